#include "fata/sim/simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fata/async/wait.hpp"
#include "fata/base/panic.hpp"
#include "fata/base/parameters.hpp"

namespace fata::sim {
namespace {

using State = Instance::State;
using testing::HasSubstr;

Instant at(Duration time) { return Instant{} + time; }

void print_line(auto... words) {
  const Text<200> line(std::in_place, words..., "\n");
  platform::console_write(line.view());
}

std::uint32_t random_word() {
  std::array<std::byte, 4> bytes;
  platform::entropy(bytes);
  return std::bit_cast<std::uint32_t>(bytes);
}

// Prints the time and a random number every 10 ms, until it is stopped.
async::Task<int> run_ticker(async::Context* context) {
  while (co_await async::sleep(milliseconds(10), context->stop)) {
    print_line(context->loop.now().ns / 1'000'000, " ms ", random_word());
  }
  co_return 3;
}

// Takes --after, and then finds a bug in itself.
async::Task<int> run_faulty(async::Context* context) {
  Duration after{};
  log::Rules rules;
  const std::array table{Parameter("after", "when to panic", "1s", after)};
  if (const auto status = start_parameters("faulty", table, rules)) co_return *status;
  const auto buffer = std::make_unique<std::array<std::byte, 1000>>();
  print_line("started ", random_word());
  (void)co_await async::sleep(after, context->stop);
  check(buffer == nullptr, "this image is faulty");
  co_return 0;
}

// Prints what it has alone, and exits with the number of its arguments.
async::Task<int> report(async::Context* context) {
  const std::size_t arguments = platform::arguments().size();
  print_line(arguments, " ", platform::wall_now().ns, " ", context->memory);
  platform::exit(static_cast<int>(arguments));
  co_return 0;
}

const Main ticker = [](async::Context& context) { return run_ticker(&context); };
const Main faulty = [](async::Context& context) { return run_faulty(&context); };

// Both images side by side; the faulty one starts again after its panic. Returns all that they did.
std::string run_both(std::uint64_t seed) {
  Simulator simulator(seed);
  Instance& ticks = simulator.start(ticker);
  Instance& first = simulator.start(faulty, {"--after=25ms"});
  EXPECT_TRUE(simulator.run(at(milliseconds(40))));
  EXPECT_EQ(first.state(), State::kPanicked);
  EXPECT_THAT(first.panic(), HasSubstr("this image is faulty at "));
  EXPECT_EQ(ticks.state(), State::kRunning);
  const std::string before = ticks.platform().console();

  Instance& second = simulator.start(faulty, {"--after", "35ms"});
  EXPECT_TRUE(simulator.run(at(milliseconds(70))));
  EXPECT_EQ(second.state(), State::kRunning);
  EXPECT_TRUE(simulator.run(at(milliseconds(100))));
  EXPECT_EQ(second.state(), State::kPanicked);

  EXPECT_TRUE(ticks.platform().console().starts_with(before));
  ticks.platform().request_stop();
  EXPECT_FALSE(simulator.run(at(seconds(1))));
  EXPECT_EQ(ticks.state(), State::kEnded);
  EXPECT_EQ(ticks.status(), 3);
  return ticks.platform().console() + first.platform().console() + first.panic() +
         second.platform().console() + second.panic();
}

TEST(Simulator, APanicEndsOneImageWhichStartsAgainWhileTheOtherGoesOn) {
  const std::string run = run_both(1);
  EXPECT_EQ(std::ranges::count(run, '\n'), 10 + 1 + 1) << run;
  EXPECT_THAT(run, HasSubstr("10 ms "));
  EXPECT_THAT(run, HasSubstr("100 ms "));
}

TEST(Simulator, ARunRepeatsToTheByteAndAnotherSeedDiffers) {
  EXPECT_EQ(run_both(7), run_both(7));
  EXPECT_NE(run_both(7), run_both(8));
}

TEST(Simulator, AnImageHasItsOwnParametersWallClockMemoryAndExit) {
  Simulator simulator;
  const Main reporter = [](async::Context& context) { return report(&context); };
  Instance& one = simulator.start(reporter, {"a"}, [](Platform& p) { p.memory = 1000; });
  Instance& two =
      simulator.start(reporter, {"a", "b"}, [](Platform& p) { p.wall_at_start = WallTime{77}; });
  EXPECT_FALSE(simulator.run(at(seconds(1))));
  EXPECT_EQ(one.platform().console(), "1 1767225600000000000 1000\n");
  EXPECT_EQ(two.platform().console(), "2 77 1073741824\n");
  EXPECT_EQ(one.status(), 1);
  EXPECT_EQ(two.status(), 2);
}

TEST(Simulator, AnImageWithAWrongParameterEndsByItself) {
  Simulator simulator;
  Instance& wrong = simulator.start(faulty, {"--before=1s"});
  EXPECT_FALSE(simulator.run(at(seconds(1))));
  EXPECT_EQ(wrong.state(), State::kEnded);
  EXPECT_EQ(wrong.status(), 64);
  EXPECT_THAT(wrong.platform().console(), HasSubstr("faulty: "));
}

}  // namespace
}  // namespace fata::sim
