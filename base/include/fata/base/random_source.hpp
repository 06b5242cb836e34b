// Unpredictable numbers for the engines, derived from a given secret: the same secret yields the
// same sequence.
#pragma once

#include <array>

#include "fata/base/siphash.hpp"
#include "fata/base/time.hpp"

namespace fata {

// Derives a key for one purpose from a secret. Of a stack's, 1 to 5 are TCP's purposes, 6 is UDP's.
inline SipKey derive(const SipKey& secret, std::uint64_t purpose) {
  return {siphash(secret, std::array<std::uint64_t, 2>{purpose, 0}),
          siphash(secret, std::array<std::uint64_t, 2>{purpose, 1})};
}

class RandomSource {
 public:
  // Sources with the same secret but different purposes are independent.
  explicit RandomSource(const SipKey& secret, std::uint64_t purpose = 0x72616e646f6d)
      : secret_(secret), purpose_(purpose) {}

  std::uint64_t next() {
    return siphash(secret_, std::array<std::uint64_t, 2>{purpose_, counter_++});
  }
  // From 0 to `most`.
  Duration up_to(Duration most) {
    return nanoseconds(
        static_cast<std::int64_t>(next() % (static_cast<std::uint64_t>(most.ns) + 1)));
  }

 private:
  SipKey secret_;
  std::uint64_t purpose_;
  std::uint64_t counter_ = 0;
};

}  // namespace fata
