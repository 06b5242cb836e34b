// The catalogue: the devices that Fata brings along. Each is an ordinary function over device(), as
// an application may write its own.
#pragma once

#include <source_location>
#include <string_view>
#include <vector>

#include "fata/config/context.hpp"
#include "fata/config/device.hpp"
#include "fata/config/parameter.hpp"

namespace fata::config {

using Where = std::source_location;

// Where a packet capture goes.
struct Capture {
  static constexpr std::string_view kName = "Capture", kConcept = "fata::net::CaptureSink",
                                    kHeader = "fata/net/pcap.hpp";
};

// The target's network card of that number: a tap on linux (parameters --tap and, for a capture of
// its frames, --pcap), the first virtio-net card on kvm. The parameters of further cards end in
// their number: --tap-1, --pcap-1, --offload-1.
Device<NetDevice> network(const Context& context, unsigned number, Where where = Where::current());
// The first one.
Device<NetDevice> default_network(const Context& context, Where where = Where::current());

// A card with its frames recorded in the file that the parameter --pcap names, if it is given
// (linux only; for a kernel `fata run --pcap` has QEMU record them).
Device<NetDevice> capture(const Device<NetDevice>& card, Where where = Where::current());

// Who hears that a report is wanted.
struct ReportRequests {
  static constexpr std::string_view kName = "ReportRequests",
                                    kConcept = "fata::net::ReportRequests",
                                    kHeader = "fata/net/netstat.hpp";
};

// UDP, TCP and echo requests of one stack, and the name servers and domain that leases and routers
// tell it.
struct Stack {
  Device<Udp> udp;
  Device<Tcp> tcp;
  Device<Ping> ping;
  Device<Names> names;
};
struct StackOptions {
  // Whether a kernel holds what prints the state of the network on demand. A process does, unless
  // `-D netstat=false`.
  bool netstat = false;
  // Whether --ipv4=dhcp is understood, and is the default; or as `-D dhcp=` says.
  bool dhcp = false;
  // How many cards default_stack() has, up to 8; or as `-D cards=` says.
  int cards = 1;
};
// The stack that `--net` chose: the host's sockets, or Fata's own over network(context, 0) and up,
// which `-D ipv6=false` builds without IPv6, `-D dhcp=true` with DHCP, and `-D cards=2` with a
// second card.
Stack default_stack(const Context& context, StackOptions options = {},
                    Where where = Where::current());
// Fata's own stack over a card. Parameters --ipv4 and --ipv4-gateway, --ipv6 and --ipv6-gateway;
// --vlan, the VLAN whose frames the card takes and sends.
Stack stack(const Device<NetDevice>& card, Where where = Where::current());
// Over several cards, up to 8, as one stack: parameters --ipv4-1, --ipv6-1, --vlan-1 of the second
// and so on, and --route, which may be given 16 times. `-D` chooses as with default_stack().
Stack stack(const Context& context, const std::vector<Device<NetDevice>>& cards,
            StackOptions options = {}, Where where = Where::current());
// One card without IPv6, of which the image then holds no byte.
Stack stack_ipv4(const Device<NetDevice>& card, Where where = Where::current());
// Both with a DHCP client: --ipv4 takes `dhcp`, too, which is its default; --hostname is the name
// that the client calls itself, and --dhcp-probe=false uses an address without asking first whether
// somebody else has it.
Stack stack_dhcp(const Device<NetDevice>& card, Where where = Where::current());
Stack stack_ipv4_dhcp(const Device<NetDevice>& card, Where where = Where::current());
// The host's sockets (linux only).
Stack host_stack(Where where = Where::current());
Device<Udp> host_udp(Where where = Where::current());
Device<Tcp> host_tcp(Where where = Where::current());
// A TCP that refuses to listen and to connect.
Device<Tcp> no_tcp(Where where = Where::current());

// The files of a folder beside config.cpp, linked into the image and read without copying.
Device<KeyValue> crunch(std::string_view folder, Where where = Where::current());

// A folder of the host, read when the process asks (linux only).
Device<KeyValue> host_folder(const Parameter<std::string>& path, Where where = Where::current());

// A disk of the target. On linux a file or block device, which the parameter --NAME names (`FILE`,
// `FILE,ro`, `FILE,direct`, `FILE,sector=4096`); on kvm a virtio-blk device of the machine, the nth
// for the nth disk that config.cpp makes. On both `fata run --disk FILE` gives them, in that order.
Device<Block> default_block(const Context& context, std::string_view name = "disk",
                            Where where = Where::current());

Device<Clock> default_clock(Where where = Where::current());
Device<Random> default_random(Where where = Where::current());
Device<Console> default_console(Where where = Where::current());

// The domain's own way to others on the same host (xen only): pages shared with them,
// notifications, and the tree of names by which they find each other. Devices use the same tables
// beside them.
Device<GrantTable> default_grants(const Context& context, Where where = Where::current());
Device<EventChannels> default_events(const Context& context, Where where = Where::current());
Device<Xenstore> default_xenstore(const Context& context, Where where = Where::current());

}  // namespace fata::config
