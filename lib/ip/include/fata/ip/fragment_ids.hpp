// Identification values for packets that may be fragmented. They are random: an attacker can
// neither predict them nor infer how many packets were sent to other hosts (RFC 6274 section 3.5.2,
// RFC 7739 section 5.4).
#pragma once

#include "fata/base/random_source.hpp"

namespace fata::ip {

class FragmentIds {
 public:
  // `purpose` must differ between the families: otherwise the values of one would reveal those of
  // the other.
  FragmentIds(const SipKey& secret, std::uint64_t purpose) : random_(secret, purpose) {}

  // For IPv6.
  std::uint32_t next() { return static_cast<std::uint32_t>(random_.next()); }
  // For IPv4: four values per hash.
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

}  // namespace fata::ip
