#include "fata/config/defaults.hpp"

#include "fata/config/dhcp.hpp"
#include "fata/config/linux.hpp"
#include "fata/config/provided.hpp"
#include "fata/config/stack.hpp"

namespace fata::config {

namespace {
constexpr std::size_t kMaxCards = 8;  // as fata::ip::Interface::kMax
}  // namespace

Device<NetDevice> network(const Context& context, unsigned number, Where where) {
  const Request request{.number = number, .where = where};
  const Device<NetDevice> card = provided<NetDevice>(context, "network card", request);
  const auto capture = Provides<Capture>::of(context.target());
  return capture == nullptr ? card : record(card, capture(context, request), where);
}

Device<NetDevice> default_network(const Context& context, Where where) {
  return network(context, 0, where);
}

Device<NetDevice> capture(const Device<NetDevice>& card, Where where) {
  return record(card, capture_file(0, where), where);
}

Stack stack(const Context& context, const std::vector<Device<NetDevice>>& cards,
            StackOptions options, Where where) {
  if (cards.empty() || cards.size() > kMaxCards)
    throw ConfigError(at(where) + "a stack has 1 to 8 cards, not " + std::to_string(cards.size()));
  const bool both = context.key("ipv6", true, "IPv6 beside IPv4; false leaves it out of the image");
  const bool ipv4 = context.key("ipv4", true, "IPv4 beside IPv6; false leaves it out of the image");
  if (!ipv4 && !both)
    throw ConfigError(at(where) + "a stack needs IPv4 or IPv6: -D ipv4=true or -D ipv6=true");
  const bool netstat =
      context.key("netstat", options.netstat || context.is(Target::kLinux),
                  "a report of the network's state on demand: SIGUSR1, or n on a kernel's console");
  const bool dhcp = context.key("dhcp", options.dhcp, "a DHCP client, for --ipv4=dhcp");
  detail::StackParts parts{.ipv4 = ipv4, .ipv6 = both};
  if (netstat)
    parts.requests = provided<ReportRequests>(context, "requests for a report", {.where = where});
  return dhcp ? detail::build_stack(cards, detail::DhcpAddresses(where), parts, where)
              : detail::build_stack(cards, detail::StaticAddresses(where), parts, where);
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

Device<Block> default_block(const Context& context, std::string_view name, Where where) {
  const std::size_t number = context.disk(name);
  return provided<Block>(context, "disk", {.number = number, .name = name, .where = where});
}

}  // namespace fata::config
