#include "fata/stack/names.hpp"

#include <algorithm>

namespace fata::stack {

namespace {
using ServersOf = std::span<const Ipv4Address> (Part::*)() const;

std::size_t servers(const Part* parts, ServersOf of, std::span<IpAddress> out) {
  std::size_t count = 0;
  for (const Part* each = parts; each != nullptr; each = each->next()) {
    for (const Ipv4Address& server : (each->*of)()) {
      const auto known = out.first(count);
      if (count < out.size() && !std::ranges::contains(known, IpAddress(server)))
        out[count++] = server;
    }
  }
  return count;
}
}  // namespace

std::size_t lease_name_servers(const Part* parts, std::span<IpAddress> out) {
  return servers(parts, &Part::name_servers, out);
}
std::size_t lease_time_servers(const Part* parts, std::span<IpAddress> out) {
  return servers(parts, &Part::time_servers, out);
}

bool write_lease_domain(const Part* parts, TextWriter& out) {
  for (const Part* each = parts; each != nullptr; each = each->next()) {
    if (each->domain().empty()) continue;
    for (const char c : each->domain()) out.put(c);
    return true;
  }
  return false;
}

}  // namespace fata::stack
