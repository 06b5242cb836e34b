#include "fata/config/devices.hpp"

#include "names.hpp"

namespace fata::config {

namespace {
constexpr std::size_t kMaxCards = 8;  // as fata::net::Interface::kMax

// A kernel's device drivers: their namespace and library.
std::string driver_of(const Context& context) {
  return context.is(Target::kKvm) ? "virtio" : "xen";
}
std::string library_of(const Context& context) {
  return context.is(Target::kKvm) ? "virtio" : "xen";
}

// "tap" for the first interface, "tap-1" for the second.
std::string of_card(std::string_view parameter, std::size_t number) {
  return std::string(parameter) + (number == 0 ? "" : "-" + std::to_string(number));
}

Device<NetDevice> capture_of(const Device<NetDevice>& card, unsigned number, Where where) {
  const std::string name = of_card("pcap", number);
  const auto file = device<Capture>(
      {.type = "fata::linux::CaptureFile",
       .headers = {"fata/linux/capture_file.hpp"},
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
  const auto offload =
      parameter(of_card("offload", number), true, "let the device sum and cut", where);
  if (context.is_kernel()) {
    const std::string driver = driver_of(context);
    const DeviceSpec spec{.type = "fata::" + driver + "::NetDevice",
                          .headers = {"fata/" + driver + "/net.hpp"},
                          .libraries = {library_of(context)},
                          .form = Form::kConnect,
                          .only_on = context.target(),
                          .called = "network card " + std::to_string(number),
                          .chosen_by = context.is(Target::kKvm) ? std::vector<std::string>{"link"}
                                                                : std::vector<std::string>{},
                          .where = where};
    return number == 0 ? device<NetDevice>(spec, offload)
                       : device<NetDevice>(spec, offload, number);
  }
  const std::string tap = of_card("tap", number);
  return capture_of(device<NetDevice>({.type = "fata::linux::Tap",
                                       .headers = {"fata/linux/tap.hpp"},
                                       .libraries = {"platform_linux"},
                                       .form = Form::kConnect,
                                       .only_on = Target::kLinux,
                                       .called = "the tap device",
                                       .chosen_by = {{tap}},
                                       .where = where},
                                      parameter(tap, "tap" + std::to_string(number),
                                                "tap device to attach to", where),
                                      offload),
                    number, where);
}

Device<NetDevice> default_network(const Context& context, Where where) {
  return network(context, 0, where);
}

Device<NetDevice> capture(const Device<NetDevice>& card, Where where) {
  return capture_of(card, 0, where);
}

namespace {
// Builds one variant of Fata's own stack, interface by interface.
class StackMaker {
 public:
  StackMaker(bool ipv6, bool dhcp, Where where) : ipv6_(ipv6), dhcp_(dhcp), where_(where) {}

  Device<Bundle> on(const Device<NetDevice>& card) const {
    Arguments arguments{card.node(), default_random(where_).node(), ipv4(0)};
    add(arguments, parameter("ipv4-gateway", Ipv4{"10.0.2.2"},
                             dhcp_ ? "IPv4 gateway of a static address" : "IPv4 gateway", where_));
    if (ipv6_) {
      add(arguments, ipv6(0));
      add(arguments, parameter("ipv6-gateway", Ipv6Gateway{"none"},
                               "IPv6 gateway, if no router says one", where_));
    }
    add_options(arguments, 0);
    return make(ipv6_ ? "Stack" : "Ipv4Stack", "stack.hpp", std::move(arguments));
  }

  // The same stack with a further interface.
  Device<Bundle> also_on(const Device<NetDevice>& card, std::size_t number,
                         const Device<Bundle>& of) const {
    Arguments arguments{card.node(), of.node()};
    if (dhcp_) add(arguments, default_random(where_));
    arguments.push_back(ipv4(number));
    if (ipv6_) add(arguments, ipv6(number));
    add_options(arguments, number);
    return make("WithCard", "more_cards.hpp", std::move(arguments));
  }

 private:
  using Arguments = std::vector<detail::Argument>;
  static void add(Arguments& to, const auto& value) { to.push_back(detail::to_argument(value)); }

  static std::string help(std::string_view what, std::size_t number) {
    return std::string(what) + (number == 0 ? "" : " of card " + std::to_string(number));
  }
  detail::Argument ipv4(std::size_t number) const {
    const std::string name = of_card("ipv4", number);
    if (dhcp_) {
      return parameter(name, Ipv4Setup{"dhcp"},
                       help("dhcp, or an IPv4 address and prefix length", number), where_)
          .spec();
    }
    // The networks of QEMU's user networking, of which `fata run` starts one per interface.
    return parameter(name, Ipv4Cidr{"10.0." + std::to_string(2 + number) + ".15/24"},
                     help("IPv4 address and prefix length", number), where_)
        .spec();
  }
  Parameter<Ipv6Setup> ipv6(std::size_t number) const {
    return parameter(of_card("ipv6", number), Ipv6Setup{"auto"},
                     help("IPv6 address and prefix length", number), where_);
  }
  void add_options(Arguments& to, std::size_t number) const {
    if (dhcp_) {
      add(to, host_name_);
      add(to, probe_);
    }
    add(to, parameter(of_card("vlan", number), Vlan{"none"}, help("802.1Q VLAN, 1 to 4094", number),
                      where_));
  }
  Device<Bundle> make(std::string_view type, std::string_view header, Arguments arguments) const {
    const std::string library = dhcp_ ? "dhcp" : "net";
    return detail::make_device<Bundle>({.type = "fata::" + library + "::" + std::string(type),
                                        .headers = {"fata/" + library + "/" + std::string(header)},
                                        .libraries = {library},
                                        .form = Form::kConnect,
                                        .called = "the network stack",
                                        .where = where_},
                                       std::move(arguments));
  }

  bool ipv6_, dhcp_;
  Where where_;
  Parameter<HostName> host_name_ =
      parameter("hostname", HostName{""}, "what to call oneself towards a DHCP server", where_);
  Parameter<bool> probe_ =
      parameter("dhcp-probe", true,
                "first check that no other machine uses the address; takes 4 to 7 s", where_);
};

Device<Bundle> with_routes(const Device<Bundle>& of, Where where) {
  return device<Bundle>(
      {.type = "fata::net::WithRoutes",
       .headers = {"fata/net/more_cards.hpp"},
       .libraries = {"net"},
       .form = Form::kConnect,
       .called = "the routes",
       .where = where},
      of,
      list_parameter<StaticRoute, 16>(
          "route", "a network behind a gateway: 'NETWORK/PREFIX via GATEWAY'", where));
}

// A template of the net library with its own header.
template <Tag T>
Device<T> beside(const Device<Bundle>& of, std::string_view type, std::string_view header,
                 Where where) {
  return device<T>({.type = "fata::net::" + std::string(type),
                    .headers = {"fata/net/" + std::string(header)},
                    .libraries = {"net"},
                    .where = where},
                   of);
}
Stack members(const Device<Bundle>& of, Where where) {
  return {member<Udp>(of, "udp", where), member<Tcp>(of, "tcp", where),
          beside<Ping>(of, "Ping", "ping.hpp", where),
          beside<Names>(of, "Names", "names.hpp", where)};
}

Device<ReportRequests> report_requests(const Context& context, Where where) {
  if (context.is_kernel()) {
    return device<ReportRequests>(
        {.type = "fata::kernel::ConsoleInput",
         .headers = {"fata/kernel/console_input.hpp"},
         .libraries = {"kernel"},
         .only_on = context.target(),
         .where = where},
        parameter("netstat", false,
                  "print the state of the network when n and Enter are typed on the console",
                  where));
  }
  return device<ReportRequests>({.type = "fata::linux::ReportSignal",
                                 .headers = {"fata/linux/report_signal.hpp"},
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
  return members(StackMaker(true, false, where).on(card), where);
}
Stack stack_ipv4(const Device<NetDevice>& card, Where where) {
  return members(StackMaker(false, false, where).on(card), where);
}
Stack stack_dhcp(const Device<NetDevice>& card, Where where) {
  return members(StackMaker(true, true, where).on(card), where);
}
Stack stack_ipv4_dhcp(const Device<NetDevice>& card, Where where) {
  return members(StackMaker(false, true, where).on(card), where);
}

Device<Udp> host_udp(Where where) {
  return device<Udp>({.type = "fata::linux::Udp",
                      .headers = {"fata/linux/udp.hpp"},
                      .libraries = {"platform_linux"},
                      .only_on = Target::kLinux,
                      .called = "the host's UDP",
                      .where = where});
}

Device<Tcp> host_tcp(Where where) {
  return device<Tcp>({.type = "fata::linux::Tcp",
                      .headers = {"fata/linux/tcp.hpp"},
                      .libraries = {"platform_linux"},
                      .only_on = Target::kLinux,
                      .called = "the host's TCP",
                      .where = where});
}

Device<Tcp> no_tcp(Where where) {
  return device<Tcp>({.type = "fata::sig::NoTcp",
                      .headers = {"fata/sig/no_tcp.hpp"},
                      .libraries = {"sig"},
                      .where = where});
}

Stack host_stack(Where where) {
  const auto without = [where]<Tag T>(std::string_view type, std::string_view header) {
    return device<T>({.type = "fata::sig::" + std::string(type),
                      .headers = {"fata/sig/" + std::string(header)},
                      .libraries = {"sig"},
                      .where = where});
  };
  return {
    host_udp(where),
    host_tcp(where),
    without.template operator()<Ping>("NoPing", "ping.hpp"),
    without.template operator()<Names>("NoNames", "names.hpp")
  };
}

Stack stack(const Context& context, const std::vector<Device<NetDevice>>& cards,
            StackOptions options, Where where) {
  if (cards.empty() || cards.size() > kMaxCards)
    throw ConfigError(at(where) + "a stack has 1 to 8 cards, not " + std::to_string(cards.size()));
  const bool both = context.key("ipv6", true, "IPv6 beside IPv4; false leaves it out of the image");
  const bool netstat =
      context.key("netstat", options.netstat || context.is(Target::kLinux),
                  "a report of the network's state on demand: SIGUSR1, or n on a kernel's console");
  const bool dhcp = context.key("dhcp", options.dhcp, "a DHCP client, for --ipv4=dhcp");
  const StackMaker maker(both, dhcp, where);
  Device<Bundle> own = maker.on(cards.front());
  for (std::size_t number = 1; number < cards.size(); ++number)
    own = maker.also_on(cards[number], number, own);
  if (cards.size() > 1) own = with_routes(own, where);
  return members(netstat ? with_netstat(context, own, where) : own, where);
}

Stack default_stack(const Context& context, StackOptions options, Where where) {
  if (context.is(Net::kHost)) return host_stack(where);
  const int count = context.key("cards", options.cards, "network cards of the stack, 1 to 8");
  if (count < 1 || static_cast<std::size_t>(count) > kMaxCards)
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
  return device<KeyValue>({.type = "fata::linux::Folder",
                           .headers = {"fata/linux/folder.hpp"},
                           .libraries = {"platform_linux"},
                           .form = Form::kConnect,
                           .only_on = Target::kLinux,
                           .called = "the folder",
                           .where = where},
                          path);
}

Device<Block> default_block(const Context& context, std::string_view name, Where where) {
  const std::size_t nth = context.disk(name);
  if (context.is_kernel()) {
    const std::string driver = driver_of(context);
    return device<Block>(
        {.type = "fata::" + driver + "::BlockDevice",
         .headers = {"fata/" + driver + "/block.hpp"},
         .libraries = {library_of(context)},
         .form = Form::kConnect,
         .only_on = context.target(),
         .called = "disk " + std::to_string(nth + 1) + ", '" + std::string(name) + "'",
         .where = where},
        nth);
  }
  return device<Block>(
      {.type = "fata::linux::BlockFile",
       .headers = {"fata/linux/block_file.hpp"},
       .libraries = {"platform_linux"},
       .form = Form::kConnect,
       .only_on = Target::kLinux,
       .called = "the disk '" + std::string(name) + "'",
       .where = where},
      parameter(name, "",
                "file or block device with its sectors; then may follow ,ro ,direct ,sector=4096",
                where));
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
          .libraries = {"xen"},
          .only_on = Target::kXen,
          .called = std::move(called),
          .where = where};
}
}  // namespace

Device<GrantTable> default_grants(const Context&, Where where) {
  return device<GrantTable>({.type = "fata::bus::xen::GrantTable",
                             .headers = {"fata/bus/xen/grants.hpp", "fata/async/task.hpp"},
                             .libraries = {"bus"},
                             .form = Form::kConnect,
                             .only_on = Target::kXen,
                             .called = "the table of grants",
                             .where = where});
}
Device<EventChannels> default_events(const Context&, Where where) {
  return device<EventChannels>(
      sharing_spec("fata::xen::EventChannels", "the event channels", where));
}
Device<Xenstore> default_xenstore(const Context&, Where where) {
  return device<Xenstore>(sharing_spec("fata::xen::SharedStore", "xenstore", where));
}

}  // namespace fata::config
