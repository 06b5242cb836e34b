// Unforeseeable numbers for the engines, from a secret that is handed in: the same secret gives the same
// numbers.
#pragma once

#include <array>

#include "fata/base/siphash.hpp"
#include "fata/base/time.hpp"

namespace fata::net {

class RandomSource {
 public:
  explicit RandomSource(const SipKey& secret) : secret_(secret) {}

  std::uint64_t next() { return siphash(secret_, std::array<std::uint64_t, 2>{0x72616e646f6d, counter_++}); }
  // From 0 to `most`.
  Duration up_to(Duration most) {
    return nanoseconds(static_cast<std::int64_t>(next() % (static_cast<std::uint64_t>(most.ns) + 1)));
  }

 private:
  SipKey secret_;
  std::uint64_t counter_ = 0;
};

}  // namespace fata::net
