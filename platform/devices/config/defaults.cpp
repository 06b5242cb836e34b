#include "fata/config/defaults.hpp"

#include "fata/config/dhcp.hpp"
#include "fata/config/linux.hpp"
#include "fata/config/provided.hpp"
#include "fata/config/stack.hpp"

namespace fata::config {

namespace {
constexpr std::size_t kMaxNics = 8;  // as fata::ip::Interface::kMax
}  // namespace

Device<NetDevice> network(const Context& context, unsigned number, Where where) {
  const Request request{.number = number, .where = where};
  const Device<NetDevice> nic = provided<NetDevice>(context, "NIC", request);
  const auto capture = Provides<Capture>::of(context.target());
  return capture == nullptr ? nic : record(nic, capture(context, request), where);
}

Device<NetDevice> default_network(const Context& context, Where where) {
  return network(context, 0, where);
}

Device<NetDevice> capture(const Device<NetDevice>& nic, Where where) {
  return record(nic, capture_file(0, where), where);
}

Stack stack(const Context& context, const std::vector<Device<NetDevice>>& nics,
            StackOptions options, Where where) {
  if (nics.empty() || nics.size() > kMaxNics)
    throw ConfigError(at(where) + "a stack has 1 to 8 NICs, not " + std::to_string(nics.size()));
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
  return dhcp ? detail::build_stack(nics, detail::DhcpAddresses(where), parts, where)
              : detail::build_stack(nics, detail::StaticAddresses(where), parts, where);
}

Stack default_stack(const Context& context, StackOptions options, Where where) {
  if (context.is(Net::kHost)) return host_stack(where);
  const int count = context.key("cards", options.cards, "NICs of the stack, 1 to 8");
  if (count < 1 || static_cast<std::size_t>(count) > kMaxNics)
    throw ConfigError("-D cards=" + std::to_string(count) + ": a stack has 1 to 8 NICs");
  std::vector<Device<NetDevice>> nics;
  for (int number = 0; number < count; ++number)
    nics.push_back(network(context, static_cast<unsigned>(number), where));
  return stack(context, nics, options, where);
}

Device<Block> default_block(const Context& context, std::string_view name, Where where) {
  const std::size_t number = context.disk(name);
  return provided<Block>(context, "disk", {.number = number, .name = name, .where = where});
}

}  // namespace fata::config
