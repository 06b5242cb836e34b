#include "fata/stack/names.hpp"

#include <algorithm>

namespace fata::stack {

std::size_t lease_name_servers(const Part* parts, std::span<IpAddress> out) {
  std::size_t count = 0;
  for (const Part* each = parts; each != nullptr; each = each->next()) {
    for (const Ipv4Address& server : each->name_servers()) {
      const auto known = out.first(count);
      if (count < out.size() && !std::ranges::contains(known, IpAddress(server)))
        out[count++] = server;
    }
  }
  return count;
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
