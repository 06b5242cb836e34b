// A storm: hosts on a simulated network with links of every kind, and TCP flows between them that
// end in every way. All of it is drawn from one seed, and a run is the same to the byte whenever
// the seed is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fata/base/time.hpp"

namespace fata::test {

// What one run came to.
struct StormResult {
  std::vector<std::string> faults;  // broken promises, in words; none is what is asked for
  std::uint64_t digest = 0;         // of all frames and their times
  std::uint64_t bytes = 0;          // that applications received and found right
  std::uint64_t retransmitted = 0;
  std::uint64_t uncut = 0, coalesced = 0;  // packets of many segments that cards took, and received
  unsigned flows = 0;
  unsigned ended_early = 0;  // refused, reset or unreachable, where the draw allows that
  Duration took{};           // virtual
};

StormResult run_storm(std::uint64_t seed);

}  // namespace fata::test
