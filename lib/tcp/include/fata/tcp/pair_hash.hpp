// A keyed hash of a connection's addresses and ports: for the connection table, initial sequence
// numbers and cookies, each with its own key.
#pragma once

#include <array>

#include "fata/base/address.hpp"
#include "fata/base/siphash.hpp"

namespace fata::tcp {

inline std::array<std::uint64_t, 5> pair_words(const Endpoint& local, const Endpoint& remote,
                                               std::uint32_t salt) {
  const Bytes here(local.address.octets());
  const Bytes there(remote.address.octets());
  return {load_le<std::uint64_t>(here), load_le<std::uint64_t>(here.subspan(8)),
          load_le<std::uint64_t>(there), load_le<std::uint64_t>(there.subspan(8)),
          std::uint64_t{local.port} << 48 | std::uint64_t{remote.port} << 32 | salt};
}

inline std::uint64_t pair_hash(const SipKey& key, const Endpoint& local, const Endpoint& remote,
                               std::uint32_t salt = 0) {
  return siphash(key, pair_words(local, remote, salt));
}

}  // namespace fata::tcp
