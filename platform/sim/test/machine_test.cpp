// The NICs and disks of images in a simulator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fata/async/wait.hpp"
#include "fata/base/panic.hpp"
#include "fata/sim/image_disk.hpp"
#include "fata/sim/image_nic.hpp"
#include "fata/sim/simulator.hpp"

namespace fata::sim {
namespace {

using State = Instance::State;

Instant at(Duration time) { return Instant{} + time; }
void print_line(auto... words) {
  const Text<200> line(std::in_place, words..., "\n");
  platform::console_write(line.view());
}

PacketBuf frame(ImageNic& nic, const MacAddress& to, std::byte what) {
  PacketBuf packet = nic.allocate(0);
  check(static_cast<bool>(packet), "no buffer");
  const MutableBytes bytes = packet.append(60);
  std::ranges::fill(bytes, std::byte{});
  copy_bytes(bytes, to.octets);
  copy_bytes(bytes.subspan(6), nic.mac().octets);
  store_be(bytes.subspan(12), std::uint16_t{0x88b5});
  bytes[14] = what;
  return packet;
}

// Broadcasts a number every 10 ms.
async::Task<int> run_beacon(async::Context* context) {
  auto nic = co_await ImageNic::connect(*context, "lan");
  for (std::uint8_t number = 1; co_await async::sleep(milliseconds(10), context->stop); ++number) {
    std::array<PacketBuf, 1> out{frame(**nic, MacAddress::broadcast(), std::byte{number})};
    check((*nic)->send(out) == 1, "the ring is full");
  }
  co_return 0;
}

// Prints the time, the sender and the number of each frame.
async::Task<int> run_listener(async::Context* context) {
  auto nic = co_await ImageNic::connect(*context, "lan");
  std::array<sig::RxFrame, 8> frames;
  for (;;) {
    const auto count = co_await (*nic)->receive(frames, async::Wait::cancelled_by(context->stop));
    if (!count) co_return 0;
    for (const sig::RxFrame& each : std::span(frames).first(*count)) {
      const Bytes bytes = each.frame.bytes();
      print_line(context->loop.now().ns / 1000, " ", load_be<std::uint16_t>(bytes.subspan(8)), " ",
                 static_cast<unsigned>(bytes[14]));
    }
  }
}

const Main beacon = [](async::Context& context) { return run_beacon(&context); };
const Main listener = [](async::Context& context) { return run_listener(&context); };

TEST(Machine, FramesOfOneImageReachTheOthersOfItsSegment) {
  Simulator simulator;
  simulator.segment().cables.delay = microseconds(100);
  simulator.start(beacon);
  Instance& here = simulator.start(listener);
  Instance& there = simulator.start(listener);
  EXPECT_TRUE(simulator.run(at(milliseconds(35))));
  EXPECT_EQ(here.platform().console(), "10200 1 1\n20200 1 2\n30200 1 3\n");
  EXPECT_EQ(there.platform().console(), here.platform().console());
}

TEST(Machine, AnImageThatWaitsForeverIsWokenByAFrameAndByAStopRequest) {
  Simulator simulator;
  Instance& waits = simulator.start(listener);
  EXPECT_FALSE(simulator.run(at(seconds(1))));
  EXPECT_EQ(waits.state(), State::kRunning);
  simulator.start(beacon);
  EXPECT_TRUE(simulator.run(simulator.now() + milliseconds(15)));
  EXPECT_THAT(waits.platform().console(), testing::EndsWith(" 2 1\n"));
  waits.platform().request_stop();
  EXPECT_TRUE(simulator.run(simulator.now() + milliseconds(1)));
  EXPECT_EQ(waits.state(), State::kEnded);
}

TEST(Machine, AnImageThatStartsAgainAfterItWasKilledKeepsItsAddressAndItsCable) {
  Simulator simulator;
  Instance& first = simulator.start(beacon);
  Instance& other = simulator.start(listener);
  simulator.run(at(milliseconds(15)));
  Link* const cable = first.cable();
  ASSERT_NE(cable, nullptr);
  EXPECT_EQ(first.cable(1), nullptr);
  EXPECT_EQ(cable->count(Fate::kCarried), 1);
  first.kill();
  EXPECT_EQ(first.state(), State::kPanicked);
  EXPECT_EQ(first.panic(), "killed");
  simulator.run(at(milliseconds(50)));
  EXPECT_EQ(other.platform().console(), "10100 1 1\n");

  simulator.start(beacon);
  Instance& again = simulator.start_again(first);
  simulator.run(simulator.now() + milliseconds(15));
  EXPECT_EQ(again.cable(), cable);
  EXPECT_EQ(cable->count(Fate::kCarried), 3);  // one to it, from the third image
  EXPECT_THAT(other.platform().console(), testing::HasSubstr(" 1 1\n"));
  EXPECT_THAT(other.platform().console(), testing::HasSubstr(" 3 1\n"));
}

TEST(Machine, FramesToAnImageThatHasEndedAreLost) {
  Simulator simulator;
  Instance& waits = simulator.start(listener);
  simulator.start(beacon);
  simulator.run(at(milliseconds(15)));
  const auto lost = [&] { return waits.cable()->count(Fate::kLost); };
  EXPECT_EQ(lost(), 0);
  // One is on its way, and the next has not been sent.
  simulator.run(at(milliseconds(20)));
  waits.kill();
  simulator.run(at(milliseconds(35)));
  EXPECT_EQ(waits.platform().console(), "10100 2 1\n");
  EXPECT_EQ(lost(), 2);
}

// Writes a number into more and more sectors, without a flush, until it finds that number there.
async::Task<int> run_writer(async::Context* context) {
  auto disk = co_await ImageDisk::connect(*context, "disk");
  std::array<std::byte, 512> sector;
  std::uint64_t found = 0;
  for (;; ++found) {
    if (!co_await (*disk)->read(found, sector)) co_return 1;
    if (sector[0] != std::byte{7}) break;
  }
  print_line("found ", found);
  for (std::uint64_t next = found;; ++next) {
    sector.fill(std::byte{7});
    if (!co_await (*disk)->write(next, sector)) co_return 2;
    (void)co_await async::sleep(milliseconds(1));
  }
}
const Main writer = [](async::Context& context) { return run_writer(&context); };

TEST(Machine, ADiskKeepsItsContentWhenItsImageStartsAgain) {
  Simulator simulator;
  Instance& first = simulator.start(writer);
  first.disk("disk", {.sectors = 100});
  simulator.run(at(milliseconds(10)));
  first.kill();
  Instance& second = simulator.start_again(first);
  simulator.run(at(milliseconds(20)));
  EXPECT_EQ(first.platform().console(), "found 0\n");
  EXPECT_EQ(second.platform().console(), "found 10\n");
  // Nothing was flushed, so that any sector may have its old content after a power cut.
  second.kill();
  second.disk("disk").cut_power();
  second.disk("disk").restore_power();
  Instance& third = simulator.start_again(second);
  simulator.run(at(milliseconds(30)));
  EXPECT_EQ(third.platform().console(), "found 0\n");
  // The disk was made with 100 sectors.
  simulator.run(at(milliseconds(200)));
  EXPECT_EQ(third.state(), State::kEnded);
  EXPECT_EQ(third.status(), 2);
}

TEST(Machine, ARunningImageCannotStartAgain) {
  Simulator simulator;
  Instance& running = simulator.start(beacon);
  EXPECT_DEATH(simulator.start_again(running), "an image runs once on its machine");
}

}  // namespace
}  // namespace fata::sim
