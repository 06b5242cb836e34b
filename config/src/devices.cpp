#include "fata/config/devices.hpp"

namespace fata::config {

namespace {
auto offload_parameter(Where where) {
  return parameter("offload", true, "let the device sum and cut", where);
}
}  // namespace

Device<NetDevice> default_network(const Context& context, Where where) {
  if (context.is_kernel()) {
    const std::string driver = context.is(Target::kKvm) ? "virtio" : "xen";
    return device<NetDevice>({.type = "fata::" + driver + "::NetDevice",
                              .headers = {"fata/" + driver + "/net.hpp"},
                              .libraries = {context.is(Target::kKvm) ? "virtio" : "platform_xen"},
                              .form = Form::kConnect,
                              .only_on = context.target(),
                              .called = "the network card",
                              .where = where},
                             offload_parameter(where));
  }
  return capture(
      device<NetDevice>({.type = "fata::host::Tap",
                         .headers = {"fata/host/tap.hpp"},
                         .libraries = {"platform_linux"},
                         .form = Form::kConnect,
                         .only_on = Target::kLinux,
                         .called = "the tap device",
                         .where = where},
                        parameter("tap", "tap0", "tap device to attach to", where), offload_parameter(where)),
      where);
}

Device<NetDevice> capture(const Device<NetDevice>& card, Where where) {
  const auto file =
      device<Capture>({.type = "fata::host::CaptureFile",
                       .headers = {"fata/host/capture_file.hpp"},
                       .libraries = {"platform_linux"},
                       .form = Form::kConnect,
                       .only_on = Target::kLinux,
                       .called = "the capture file",
                       .where = where},
                      parameter("pcap", "", "file to write all frames to, as pcapng; none if empty", where));
  return device<NetDevice>({.type = "fata::net::PcapDevice",
                            .headers = {"fata/net/pcap.hpp"},
                            .libraries = {"net"},
                            .where = where},
                           card, default_clock(where), file);
}

namespace {
DeviceSpec stack_spec(std::string_view library, std::string_view type, Where where) {
  const std::string name(library);
  return {.type = "fata::" + name + "::" + std::string(type),
          .headers = {"fata/" + name + "/stack.hpp"},
          .libraries = {name},
          .form = Form::kConnect,
          .called = "the network stack",
          .where = where};
}

// Hands the stack's IPv4 parameters to `with`.
Device<Bundle> with_ipv4(bool dhcp, Where where, const auto& with) {
  const auto gateway = parameter("ipv4-gateway", Ipv4{"10.0.2.2"},
                                 dhcp ? "IPv4 gateway of a static address" : "IPv4 gateway", where);
  if (dhcp) {
    return with("dhcp",
                parameter("ipv4", Ipv4Setup{"dhcp"}, "dhcp, or an IPv4 address and prefix length", where),
                gateway);
  }
  return with("net", parameter("ipv4", Ipv4Cidr{"10.0.2.15/24"}, "IPv4 address and prefix length", where),
              gateway);
}
Device<Bundle> both_families(const Device<NetDevice>& card, bool dhcp, Where where) {
  return with_ipv4(dhcp, where, [&](std::string_view library, const auto& ipv4, const auto& gateway) {
    return device<Bundle>(
        stack_spec(library, "Stack", where), card, default_random(where), ipv4, gateway,
        parameter("ipv6", Ipv6Setup{"auto"}, "IPv6 address and prefix length", where),
        parameter("ipv6-gateway", Ipv6Gateway{"none"}, "IPv6 gateway, if no router says one", where));
  });
}
Device<Bundle> ipv4_only(const Device<NetDevice>& card, bool dhcp, Where where) {
  return with_ipv4(dhcp, where, [&](std::string_view library, const auto& ipv4, const auto& gateway) {
    return device<Bundle>(stack_spec(library, "Ipv4Stack", where), card, default_random(where), ipv4,
                          gateway);
  });
}
Stack members(const Device<Bundle>& of, Where where) {
  return {
      member<Udp>(of, "udp", where), member<Tcp>(of, "tcp", where),
      device<Ping>(
          {.type = "fata::net::Ping", .headers = {"fata/net/ping.hpp"}, .libraries = {"net"}, .where = where},
          of)};
}

Device<ReportRequests> report_requests(const Context& context, Where where) {
  if (context.is_kernel()) {
    return device<ReportRequests>(
        {.type = "fata::guest::ConsoleInput",
         .headers = {"fata/guest/console_input.hpp"},
         .libraries = {"guest"},
         .only_on = context.target(),
         .where = where},
        parameter("netstat", false,
                  "print the state of the network when n and Enter are typed on the console", where));
  }
  return device<ReportRequests>({.type = "fata::host::ReportSignal",
                                 .headers = {"fata/host/report_signal.hpp"},
                                 .libraries = {"platform_linux"},
                                 .only_on = Target::kLinux,
                                 .where = where});
}

// The stack with a report of its state on demand.
Device<Bundle> with_netstat(const Context& context, const Device<Bundle>& of, Where where) {
  return device<Bundle>({.type = "fata::net::NetstatStack",
                         .headers = {"fata/net/netstat.hpp"},
                         .libraries = {"net"},
                         .where = where},
                        of, report_requests(context, where), default_console(where));
}
}  // namespace

Stack stack(const Device<NetDevice>& card, Where where) {
  return members(both_families(card, false, where), where);
}
Stack stack_ipv4(const Device<NetDevice>& card, Where where) {
  return members(ipv4_only(card, false, where), where);
}
Stack stack_dhcp(const Device<NetDevice>& card, Where where) {
  return members(both_families(card, true, where), where);
}
Stack stack_ipv4_dhcp(const Device<NetDevice>& card, Where where) {
  return members(ipv4_only(card, true, where), where);
}

Device<Udp> host_udp(Where where) {
  return device<Udp>({.type = "fata::host::Udp",
                      .headers = {"fata/host/udp.hpp"},
                      .libraries = {"platform_linux"},
                      .only_on = Target::kLinux,
                      .called = "the host's UDP",
                      .where = where});
}

Device<Tcp> host_tcp(Where where) {
  return device<Tcp>({.type = "fata::host::Tcp",
                      .headers = {"fata/host/tcp.hpp"},
                      .libraries = {"platform_linux"},
                      .only_on = Target::kLinux,
                      .called = "the host's TCP",
                      .where = where});
}

Device<Tcp> no_tcp(Where where) {
  return device<Tcp>(
      {.type = "fata::sig::NoTcp", .headers = {"fata/sig/no_tcp.hpp"}, .libraries = {"sig"}, .where = where});
}

Stack host_stack(Where where) {
  return {host_udp(where), host_tcp(where),
          device<Ping>({.type = "fata::sig::NoPing",
                        .headers = {"fata/sig/ping.hpp"},
                        .libraries = {"sig"},
                        .where = where})};
}

Stack default_stack(const Context& context, StackOptions options, Where where) {
  if (context.is(Net::kHost)) return host_stack(where);
  const bool both = context.key("ipv6", true, "IPv6 beside IPv4; false leaves it out of the image");
  const bool netstat =
      context.key("netstat", options.netstat || context.is(Target::kLinux),
                  "a report of the network's state on demand: SIGUSR1, or n on a kernel's console");
  const bool dhcp = context.key("dhcp", options.dhcp, "an IPv4 address by DHCP, which --ipv4=dhcp asks for");
  const auto card = default_network(context, where);
  const auto own = both ? both_families(card, dhcp, where) : ipv4_only(card, dhcp, where);
  return members(netstat ? with_netstat(context, own, where) : own, where);
}

Device<KeyValue> crunch(std::string_view folder, Where where) {
  return detail::make_device<KeyValue>({.type = "fata::crunch::Files",
                                        .headers = {"fata/crunch/files.hpp"},
                                        .libraries = {"crunch"},
                                        .where = where},
                                       {}, {}, std::string(folder));
}

Device<KeyValue> host_folder(const Parameter<std::string>& path, Where where) {
  return device<KeyValue>({.type = "fata::host::Folder",
                           .headers = {"fata/host/folder.hpp"},
                           .libraries = {"platform_linux"},
                           .form = Form::kConnect,
                           .only_on = Target::kLinux,
                           .called = "the folder",
                           .where = where},
                          path);
}

namespace {
template <Tag T>
Device<T> platform_device(std::string_view type, Where where) {
  return device<T>({.type = "fata::platform_devices::" + std::string(type),
                    .headers = {"fata/platform_devices/devices.hpp"},
                    .libraries = {"platform_devices"},
                    .where = where});
}
}  // namespace

Device<Clock> default_clock(Where where) { return platform_device<Clock>("Clock", where); }
Device<Random> default_random(Where where) { return platform_device<Random>("Random", where); }
Device<Console> default_console(Where where) { return platform_device<Console>("Console", where); }

namespace {
DeviceSpec sharing_spec(std::string type, std::string called, Where where) {
  return {.type = std::move(type),
          .headers = {"fata/xen/sharing.hpp"},
          .libraries = {"platform_xen"},
          .only_on = Target::kXen,
          .called = std::move(called),
          .where = where};
}
}  // namespace

Device<GrantTable> default_grants(const Context&, Where where) {
  return device<GrantTable>(sharing_spec("fata::xen::PageSharing", "the table of grants", where));
}
Device<EventChannels> default_events(const Context&, Where where) {
  return device<EventChannels>(sharing_spec("fata::xen::EventChannels", "the event channels", where));
}
Device<Xenstore> default_xenstore(const Context&, Where where) {
  return device<Xenstore>(sharing_spec("fata::xen::SharedStore", "xenstore", where));
}

}  // namespace fata::config
