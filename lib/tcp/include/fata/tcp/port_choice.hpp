// Local ports for active opens: hard to predict, and not soon reused for the same server (RFC 6056
// section 3.3.4, the double-hash algorithm).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "fata/tcp/pair_hash.hpp"

namespace fata::tcp {

class PortChoice {
 public:
  // The first port of the range; the last one is 65535.
  static constexpr std::uint16_t kFirst = 32768;
  static constexpr std::uint32_t kCount = 32768;

  explicit PortChoice(const SipKey& secret) : secret_(secret) {}

  void renew(const SipKey& secret) { secret_ = secret; }

  // A port for a connection from `local` to `remote` that satisfies `is_free(port)`; nothing if the
  // whole range has none.
  template <class IsFree>
  std::optional<std::uint16_t> choose(const IpAddress& local, const Endpoint& remote,
                                      IsFree&& is_free) {
    const std::uint64_t hash = pair_hash(secret_, {local, 0}, remote);
    std::uint16_t& count = counts_[(hash >> 32) % counts_.size()];
    for (std::uint32_t tried = 0; tried < kCount; ++tried) {
      const auto port = static_cast<std::uint16_t>(
          kFirst + (static_cast<std::uint32_t>(hash) + count++) % kCount);
      if (is_free(port)) return port;
    }
    return std::nullopt;
  }

 private:
  SipKey secret_;
  std::array<std::uint16_t, 32> counts_{};
};

}  // namespace fata::tcp
