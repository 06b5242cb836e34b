// Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 section 7.1). Third parties
// cannot predict them, but they increase between successive connections of the same endpoints, so
// that TIME-WAIT can be reused.
#pragma once

#include "fata/base/time.hpp"
#include "fata/tcp/pair_hash.hpp"

namespace fata::tcp {

class InitialNumbers {
 public:
  explicit InitialNumbers(const SipKey& secret) : secret_(secret) {}

  struct Numbers {
    std::uint32_t isn;               // F(pair) + a clock that ticks every 4 microseconds
    std::uint32_t timestamp_offset;  // to be added to timestamp_clock(now)
  };
  Numbers choose(const Endpoint& local, const Endpoint& remote, Instant now) const {
    const std::uint64_t hash = pair_hash(secret_, local, remote);
    return {static_cast<std::uint32_t>(hash) + static_cast<std::uint32_t>(now.ns / 4000),
            static_cast<std::uint32_t>(hash >> 32)};
  }

 private:
  SipKey secret_;
};

// The timestamp clock: one tick per millisecond (RFC 7323 section 5.4 allows 1 ms to 1 s).
inline std::uint32_t timestamp_clock(Instant now) {
  return static_cast<std::uint32_t>(now.ns / 1'000'000);
}

}  // namespace fata::tcp
