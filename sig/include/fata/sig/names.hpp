// What the network has told of names, for whoever looks names up.
#pragma once

#include <concepts>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/text.hpp"

namespace fata::sig {

template <class N>
concept Names = requires(const N& names, std::span<IpAddress> servers, TextWriter& domain) {
  // The name servers, best first, as many as there are and fit; gives how many. They come and go
  // with leases: ask again for each search.
  { names.name_servers(servers) } -> std::same_as<std::size_t>;
  // Writes the domain that short names are meant in, "example.org"; nothing if none was told.
  { names.write_domain(domain) } -> std::same_as<void>;
};

// Where the network tells nothing.
class NoNames {
 public:
  std::size_t name_servers(std::span<IpAddress>) const { return 0; }
  void write_domain(TextWriter&) const {}
};

}  // namespace fata::sig
