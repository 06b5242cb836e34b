// The wall clock between two answers of the host. Pure arithmetic.
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"

namespace fata::kvm {

// The host's time lies in [ns, ns + resolution).
struct HostTime {
  std::int64_t ns = 0;
  std::int64_t resolution = 1;
};

// Extends the host's last answer by the monotonic clock, and follows the next answer only as far as
// the two differ: an answer that is exact to a second does not make it jump within that second.
class WallEstimate {
 public:
  static constexpr Duration kFresh = seconds(1);

  // Whether the host is to be asked before at().
  bool is_due(Instant now) const { return now.ns >= next_; }
  void correct(Instant now, HostTime host);
  WallTime at(Instant now) const { return {base_ + now.ns}; }

 private:
  std::int64_t base_ = 0;
  std::int64_t next_ = 0;  // when the answer is too old; 0 before the first
};

}  // namespace fata::kvm
