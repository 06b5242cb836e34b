// Resolves domain names to addresses and other records.
#pragma once

#include <string_view>
#include <vector>

#include "fata/base/address.hpp"
#include "fata/sig/awaits.hpp"
#include "fata/sig/records.hpp"

namespace fata::sig {

template <class R>
concept Resolver =
    requires(R& resolver, std::string_view name, std::uint16_t type, async::Wait wait) {
      // The IPv6 and IPv4 addresses of a host name or of an address in text, never empty: all of
      // one family, then all of the other. The text must be valid until the call returns. An error
      // is a NameErrc or the end of the wait.
      { resolver.resolve(name, wait) } -> Awaits<Result<std::vector<IpAddress>>>;
      // The records of a type (IANA's number), never empty; errors as above.
      { resolver.query(name, type, wait) } -> Awaits<Result<RecordSet>>;
    };

namespace archetype {
struct Resolver {
  Ready<Result<std::vector<IpAddress>>> resolve(std::string_view, async::Wait) { return {}; }
  Ready<Result<RecordSet>> query(std::string_view, std::uint16_t, async::Wait) { return {}; }
};
}  // namespace archetype

// For images that look up no names.
class NoResolver {
 public:
  async::Task<Result<std::vector<IpAddress>>> resolve(std::string_view, async::Wait) {
    co_return fail(Error(NameErrc::kNoServers));
  }
  async::Task<Result<RecordSet>> query(std::string_view, std::uint16_t, async::Wait) {
    co_return fail(Error(NameErrc::kNoServers));
  }
};
static_assert(Resolver<NoResolver>);

}  // namespace fata::sig
