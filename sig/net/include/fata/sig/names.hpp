// The name servers, the domain and the time servers that the network announces.
#pragma once

#include <concepts>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/text.hpp"

namespace fata::sig {

template <class N>
concept Names = requires(const N& names, std::span<IpAddress> servers, TextWriter& domain) {
  // Fills `servers` with the name servers, best first, as many as fit; returns the count. They
  // change with leases: call this for each lookup.
  { names.name_servers(servers) } -> std::same_as<std::size_t>;
  // Writes the search domains for short names, separated by spaces: "example.org example.net".
  // Nothing if none is known.
  { names.write_domain(domain) } -> std::same_as<void>;
  // Fills `servers` with the NTP servers, as name_servers() does with the name servers.
  { names.time_servers(servers) } -> std::same_as<std::size_t>;
};

namespace archetype {
struct Names {
  std::size_t name_servers(std::span<IpAddress>) const { return 0; }
  void write_domain(TextWriter&) const {}
  std::size_t time_servers(std::span<IpAddress>) const { return 0; }
};
}  // namespace archetype

// For networks that announce nothing.
class NoNames {
 public:
  std::size_t name_servers(std::span<IpAddress>) const { return 0; }
  void write_domain(TextWriter&) const {}
  std::size_t time_servers(std::span<IpAddress>) const { return 0; }
};

}  // namespace fata::sig
