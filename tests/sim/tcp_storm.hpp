// A storm: hosts on a simulated network with links of every kind, and TCP flows between them that
// end in every way. One seed determines all of it, and runs with the same seed are identical to the
// byte.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fata/base/time.hpp"

namespace fata::test {

// The result of one run.
struct StormResult {
  std::vector<std::string> faults;  // broken promises, in words; must be empty
  std::uint64_t digest = 0;         // of all frames and their times
  std::uint64_t bytes = 0;          // received by applications and verified
  std::uint64_t retransmitted = 0;
  // Packets with several segments that NICs sent, and received.
  std::uint64_t uncut = 0, coalesced = 0;
  unsigned flows = 0;
  unsigned ended_early = 0;  // refused, reset or unreachable, where the draw allows that
  Duration took{};           // virtual time
};

StormResult run_storm(std::uint64_t seed);

}  // namespace fata::test
