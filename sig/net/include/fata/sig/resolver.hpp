// Resolves a host name to addresses.
#pragma once

#include <string_view>
#include <vector>

#include "fata/base/address.hpp"
#include "fata/sig/awaits.hpp"

namespace fata::sig {

template <class R>
concept Resolver = requires(R& resolver, std::string_view host, async::Wait wait) {
  // Best first, never empty; an unknown name is an error.
  { resolver.resolve(host, wait) } -> Awaits<Result<std::vector<IpAddress>>>;
};

namespace archetype {
struct Resolver {
  Ready<Result<std::vector<IpAddress>>> resolve(std::string_view, async::Wait) { return {}; }
};
}  // namespace archetype

}  // namespace fata::sig
