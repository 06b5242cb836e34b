// The catalogue: the devices that come with Fata. Each is an ordinary function over device(), as an
// application may write its own.
#pragma once

#include <source_location>
#include <string_view>
#include <vector>

#include "fata/config/context.hpp"
#include "fata/config/device.hpp"
#include "fata/config/parameter.hpp"

namespace fata::config {

using Where = std::source_location;

// The destination of a packet capture.
struct Capture {
  static constexpr std::string_view kName = "Capture", kConcept = "fata::net::CaptureSink",
                                    kHeader = "fata/net/pcap.hpp";
};

// The target's network interface `number`: on linux a tap (parameters --tap and, to capture its
// frames, --pcap), on a kernel the hypervisor's network device of that number (virtio-net on kvm).
// The parameters of further interfaces end in their number: --tap-1, --pcap-1, --offload-1.
Device<NetDevice> network(const Context& context, unsigned number, Where where = Where::current());
// network(context, 0).
Device<NetDevice> default_network(const Context& context, Where where = Where::current());

// An interface whose frames are recorded in the file named by the parameter --pcap, if given (linux
// only; for a kernel on QEMU use `fata run --pcap`).
Device<NetDevice> capture(const Device<NetDevice>& card, Where where = Where::current());

// A source of requests for a report.
struct ReportRequests {
  static constexpr std::string_view kName = "ReportRequests",
                                    kConcept = "fata::net::ReportRequests",
                                    kHeader = "fata/net/netstat.hpp";
};

// UDP, TCP and echo requests of one stack, and the name servers and domain received from leases and
// routers.
struct Stack {
  Device<Udp> udp;
  Device<Tcp> tcp;
  Device<Ping> ping;
  Device<Names> names;
};
struct StackOptions {
  // Adds a report of the network's state on demand to a kernel. A process always has it, unless
  // `-D netstat=false` is given.
  bool netstat = false;
  // Accepts --ipv4=dhcp and makes it the default; `-D dhcp=` overrides this.
  bool dhcp = false;
  // Number of interfaces of default_stack(), up to 8; `-D cards=` overrides this.
  int cards = 1;
};
// The stack chosen by `--net`: the host's sockets, or Fata's own over network(context, 0) and up.
// `-D ipv6=false` omits IPv6, `-D dhcp=true` adds DHCP, `-D cards=2` adds a second interface.
Stack default_stack(const Context& context, StackOptions options = {},
                    Where where = Where::current());
// Fata's own stack over one interface. Parameters: --ipv4, --ipv4-gateway, --ipv6, --ipv6-gateway,
// and --vlan for the interface's VLAN.
Stack stack(const Device<NetDevice>& card, Where where = Where::current());
// One stack over several interfaces, up to 8: parameters --ipv4-1, --ipv6-1, --vlan-1 for the
// second and so on, and --route, accepted up to 16 times. `-D` applies as with default_stack().
Stack stack(const Context& context, const std::vector<Device<NetDevice>>& cards,
            StackOptions options = {}, Where where = Where::current());
// One interface without IPv6; the image links no IPv6 code.
Stack stack_ipv4(const Device<NetDevice>& card, Where where = Where::current());
// The two stacks above with a DHCP client: --ipv4 also accepts `dhcp`, the default; --hostname is
// the client's host name; --dhcp-probe=false uses an address without address conflict detection.
Stack stack_dhcp(const Device<NetDevice>& card, Where where = Where::current());
Stack stack_ipv4_dhcp(const Device<NetDevice>& card, Where where = Where::current());
// The host's sockets (linux only).
Stack host_stack(Where where = Where::current());
Device<Udp> host_udp(Where where = Where::current());
Device<Tcp> host_tcp(Where where = Where::current());
// A TCP on which listen and connect fail.
Device<Tcp> no_tcp(Where where = Where::current());

// The files of a folder next to config.cpp, linked into the image and read without copying.
Device<KeyValue> crunch(std::string_view folder, Where where = Where::current());

// A folder of the host, read at run time (linux only).
Device<KeyValue> host_folder(const Parameter<std::string>& path, Where where = Where::current());

// A disk of the target. On linux a file or block device named by the parameter --NAME (`FILE`,
// `FILE,ro`, `FILE,direct`, `FILE,sector=4096`); on a kernel the machine's nth block device
// (virtio-blk on kvm) for the nth disk made by config.cpp. `fata run --disk FILE` supplies them in
// that order on every target.
Device<Block> default_block(const Context& context, std::string_view name = "disk",
                            Where where = Where::current());

Device<Clock> default_clock(Where where = Where::current());
Device<Random> default_random(Where where = Where::current());
Device<Console> default_console(Where where = Where::current());

// Communication with other domains on the same host (xen only): shared pages, notifications, and
// xenstore. Fata's own Xen devices use the same tables.
Device<GrantTable> default_grants(const Context& context, Where where = Where::current());
Device<EventChannels> default_events(const Context& context, Where where = Where::current());
Device<Xenstore> default_xenstore(const Context& context, Where where = Where::current());

}  // namespace fata::config
