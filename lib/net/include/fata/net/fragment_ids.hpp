// Identifications of packets that may be fragmented: random, so that nobody can foresee them, nor
// learn from his own how many were sent to others (RFC 6274 section 3.5.2, RFC 7739 section 5.4).
#pragma once

#include "fata/net/random_source.hpp"

namespace fata::net {

class FragmentIds {
 public:
  // `purpose`: another one for each family, or one's would show the other's.
  FragmentIds(const SipKey& secret, std::uint64_t purpose) : random_(secret, purpose) {}

  // For IPv6.
  std::uint32_t next() { return static_cast<std::uint32_t>(random_.next()); }
  // For IPv4: four of one hash.
  std::uint16_t next_short() {
    if (left_ == 0) [[unlikely]] {
      bits_ = random_.next();
      left_ = 4;
    }
    --left_;
    return static_cast<std::uint16_t>(bits_ >> 16 * left_);
  }

 private:
  RandomSource random_;
  std::uint64_t bits_ = 0;
  unsigned left_ = 0;
};

}  // namespace fata::net
