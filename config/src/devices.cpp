#include "fata/config/devices.hpp"

#include "names.hpp"

namespace fata::config {

namespace {
constexpr std::size_t kMostCards = 8;  // as fata::net::Interface::kMost

// "tap" of the first card, "tap-1" of the second.
std::string of_card(std::string_view parameter, std::size_t number) {
  return std::string(parameter) + (number == 0 ? "" : "-" + std::to_string(number));
}

Device<NetDevice> capture_of(const Device<NetDevice>& card, unsigned number, Where where) {
  const std::string name = of_card("pcap", number);
  const auto file =
      device<Capture>({.type = "fata::host::CaptureFile",
                       .headers = {"fata/host/capture_file.hpp"},
                       .libraries = {"platform_linux"},
                       .form = Form::kConnect,
                       .only_on = Target::kLinux,
                       .called = "the capture file",
                       .where = where},
                      parameter(name, "", "file to write all frames to, as pcapng; none if empty", where));
  return device<NetDevice>({.type = "fata::net::PcapDevice",
                            .headers = {"fata/net/pcap.hpp"},
                            .libraries = {"net"},
                            .where = where},
                           card, default_clock(where), file);
}
}  // namespace

Device<NetDevice> network(const Context& context, unsigned number, Where where) {
  const auto offload = parameter(of_card("offload", number), true, "let the device sum and cut", where);
  if (context.is(Target::kKvm)) {
    const DeviceSpec spec{.type = "fata::virtio::NetDevice",
                          .headers = {"fata/virtio/net.hpp"},
                          .libraries = {"virtio"},
                          .form = Form::kConnect,
                          .only_on = Target::kKvm,
                          .called = "network card " + std::to_string(number),
                          .chosen_by = {{"link"}},
                          .where = where};
    return number == 0 ? device<NetDevice>(spec, offload) : device<NetDevice>(spec, offload, number);
  }
  const std::string tap = of_card("tap", number);
  return capture_of(
      device<NetDevice>({.type = "fata::host::Tap",
                         .headers = {"fata/host/tap.hpp"},
                         .libraries = {"platform_linux"},
                         .form = Form::kConnect,
                         .only_on = Target::kLinux,
                         .called = "the tap device",
                         .chosen_by = {{tap}},
                         .where = where},
                        parameter(tap, "tap" + std::to_string(number), "tap device to attach to", where),
                        offload),
      number, where);
}

Device<NetDevice> default_network(const Context& context, Where where) { return network(context, 0, where); }

Device<NetDevice> capture(const Device<NetDevice>& card, Where where) { return capture_of(card, 0, where); }

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

Device<Bundle> with_card(const Device<Bundle>& of, const Device<NetDevice>& card, std::size_t number,
                         bool both, Where where) {
  const DeviceSpec spec{.type = "fata::net::WithCard",
                        .headers = {"fata/net/more_cards.hpp"},
                        .libraries = {"net"},
                        .form = Form::kConnect,
                        .called = "the network stack",
                        .where = where};
  // As QEMU's user networking has it where `fata run` gives each card a network of its own.
  const auto ipv4 =
      parameter(of_card("ipv4", number), Ipv4Cidr{"10.0." + std::to_string(2 + number) + ".15/24"},
                "IPv4 address and prefix length of card " + std::to_string(number), where);
  if (!both) return device<Bundle>(spec, card, of, ipv4);
  return device<Bundle>(spec, card, of, ipv4,
                        parameter(of_card("ipv6", number), Ipv6Setup{"auto"},
                                  "IPv6 address and prefix length of card " + std::to_string(number), where));
}
Device<Bundle> with_routes(const Device<Bundle>& of, Where where) {
  return device<Bundle>({.type = "fata::net::WithRoutes",
                         .headers = {"fata/net/more_cards.hpp"},
                         .libraries = {"net"},
                         .form = Form::kConnect,
                         .called = "the routes",
                         .where = where},
                        of,
                        list_parameter<StaticRoute, 16>(
                            "route", "a network behind a gateway: 'NETWORK/PREFIX via GATEWAY'", where));
}

Stack members(const Device<Bundle>& of, Where where) {
  return {
      member<Udp>(of, "udp", where), member<Tcp>(of, "tcp", where),
      device<Ping>(
          {.type = "fata::net::Ping", .headers = {"fata/net/ping.hpp"}, .libraries = {"net"}, .where = where},
          of)};
}

Device<ReportRequests> report_requests(const Context& context, Where where) {
  if (context.is(Target::kKvm)) {
    return device<ReportRequests>(
        {.type = "fata::kvm::ConsoleInput",
         .headers = {"fata/kvm/console_input.hpp"},
         .libraries = {"platform_kvm"},
         .only_on = Target::kKvm,
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

Stack stack(const Context& context, const std::vector<Device<NetDevice>>& cards, StackOptions options,
            Where where) {
  if (cards.empty() || cards.size() > kMostCards)
    throw ConfigError(at(where) + "a stack has 1 to 8 cards, not " + std::to_string(cards.size()));
  const bool both = context.key("ipv6", true, "IPv6 beside IPv4; false leaves it out of the image");
  const bool netstat =
      context.key("netstat", options.netstat || context.is(Target::kLinux),
                  "a report of the network's state on demand: SIGUSR1, or n on a kernel's console");
  const bool dhcp = context.key("dhcp", options.dhcp, "an IPv4 address by DHCP, which --ipv4=dhcp asks for");
  Device<Bundle> own =
      both ? both_families(cards.front(), dhcp, where) : ipv4_only(cards.front(), dhcp, where);
  for (std::size_t number = 1; number < cards.size(); ++number)
    own = with_card(own, cards[number], number, both, where);
  if (cards.size() > 1) own = with_routes(own, where);
  return members(netstat ? with_netstat(context, own, where) : own, where);
}

Stack default_stack(const Context& context, StackOptions options, Where where) {
  if (context.is(Net::kHost)) return host_stack(where);
  const int count = context.key("cards", options.cards, "network cards of the stack, 1 to 8");
  if (count < 1 || static_cast<std::size_t>(count) > kMostCards)
    throw ConfigError("-D cards=" + std::to_string(count) + ": a stack has 1 to 8 cards");
  std::vector<Device<NetDevice>> cards;
  for (int number = 0; number < count; ++number)
    cards.push_back(network(context, static_cast<unsigned>(number), where));
  return stack(context, cards, options, where);
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

}  // namespace fata::config
