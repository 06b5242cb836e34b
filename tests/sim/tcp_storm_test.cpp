// Many storms. FATA_SEEDS=FIRST[:COUNT] replaces the seeds of the CI run. A failure names its seed.
#include "tcp_storm.hpp"
#include "fata/sim/effort.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <print>
#include <string>

namespace fata::test {
namespace {

struct Seeds {
  std::uint64_t first = 1;
  std::uint64_t count = sim::effort(250, 2000);
};
Seeds seeds() {
  Seeds seeds;
  if (const char* given = std::getenv("FATA_SEEDS")) {
    char* end = nullptr;
    seeds.first = std::strtoull(given, &end, 10);
    seeds.count = *end == ':' ? std::strtoull(end + 1, nullptr, 10) : 1;
  }
  return seeds;
}

TEST(TcpStorm, EveryByteArrivesOnceAndInOrderAndNothingIsLeft) {
  const auto [first, count] = seeds();
  std::uint64_t bytes = 0, flows = 0, early = 0, retransmitted = 0, uncut = 0, coalesced = 0,
                bad = 0;
  for (std::uint64_t seed = first; seed != first + count; ++seed) {
    const StormResult result = run_storm(seed);
    for (const std::string& fault : result.faults)
      ADD_FAILURE() << "seed " << seed << ": " << fault;
    bad += !result.faults.empty();
    if (bad > 20) FAIL() << "and so on";
    bytes += result.bytes;
    flows += result.flows;
    early += result.ended_early;
    retransmitted += result.retransmitted;
    uncut += result.uncut;
    coalesced += result.coalesced;
  }
  std::println("{} seeds: {} flows, {} bytes, {} segments sent again, {} ends before the end",
               count, flows, bytes, retransmitted, early);
  std::println("{} packets of many segments sent, {} received", uncut, coalesced);
  if (count >= 100) EXPECT_TRUE(uncut > count && coalesced != 0) << "the offloads are not in it";
}

TEST(TcpStorm, ASeedGivesTheSameRunToTheByte) {
  const std::uint64_t first = seeds().first;
  for (std::uint64_t seed = first; seed != first + 20; ++seed) {
    EXPECT_EQ(run_storm(seed).digest, run_storm(seed).digest) << seed;
  }
}

}  // namespace
}  // namespace fata::test
