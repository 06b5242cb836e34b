// The catalogue: the devices that Fata brings along. Each is an ordinary function over device(), as an
// application may write its own.
#pragma once

#include <source_location>
#include <string_view>

#include "fata/config/context.hpp"
#include "fata/config/device.hpp"
#include "fata/config/parameter.hpp"

namespace fata::config {

using Where = std::source_location;

// Where a packet capture goes.
struct Capture {
  static constexpr std::string_view kName = "Capture", kConcept = "fata::net::CaptureSink", kHeader = "fata/net/pcap.hpp";
};

// The target's network card: a tap on linux (parameters --tap and, for a capture of its frames, --pcap), the first virtio-net
// card on kvm.
Device<NetDevice> default_network(const Context& context, Where where = Where::current());

// A card with its frames recorded in the file that the parameter --pcap names, if it is given (linux only; for a kernel
// `fata run --pcap` has QEMU record them).
Device<NetDevice> capture(const Device<NetDevice>& card, Where where = Where::current());

// Who hears that a report is wanted.
struct ReportRequests {
  static constexpr std::string_view kName = "ReportRequests", kConcept = "fata::net::ReportRequests",
                                    kHeader = "fata/net/netstat.hpp";
};

// UDP, TCP and echo requests of one stack.
struct Stack {
  Device<Udp> udp;
  Device<Tcp> tcp;
  Device<Ping> ping;
};
struct StackOptions {
  // Whether a kernel holds what prints the state of the network on demand. A process does, unless `-D netstat=false`.
  bool netstat = false;
  // Whether --ipv4=dhcp is understood, and is the default; or as `-D dhcp=` says.
  bool dhcp = false;
};
// The stack that `--net` chose: the host's sockets, or Fata's own over default_network(), which `-D ipv6=false` builds without IPv6 and
// `-D dhcp=true` with DHCP.
Stack default_stack(const Context& context, StackOptions options = {}, Where where = Where::current());
// Fata's own stack over a card. Parameters --ipv4 and --ipv4-gateway, --ipv6 and --ipv6-gateway.
Stack stack(const Device<NetDevice>& card, Where where = Where::current());
// The same without IPv6, of which the image then holds no byte.
Stack stack_ipv4(const Device<NetDevice>& card, Where where = Where::current());
// Both with a DHCP client: --ipv4 takes `dhcp`, too, which is its default.
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

Device<Clock> default_clock(Where where = Where::current());
Device<Random> default_random(Where where = Where::current());
Device<Console> default_console(Where where = Where::current());

// The domain's own way to others on the same host (xen only): pages shared with them, notifications, and the tree of names by which
// they find each other. Devices use the same tables beside them.
Device<GrantTable> default_grants(const Context& context, Where where = Where::current());
Device<EventChannels> default_events(const Context& context, Where where = Where::current());
Device<Xenstore> default_xenstore(const Context& context, Where where = Where::current());

}  // namespace fata::config
