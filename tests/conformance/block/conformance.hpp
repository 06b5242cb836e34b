// The conformance suite of sig::BlockDevice. Every implementation must pass it unchanged.
//
// The suite uses only facilities that an image has, so it also runs in a kernel. conform() writes
// to the first 4 MiB of the device, which must have at least 128 sectors, and reports failures to a
// Report.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fata/async/background.hpp"
#include "fata/async/scope.hpp"
#include "fata/base/aligned.hpp"
#include "fata/base/text.hpp"
#include "fata/sig/block.hpp"

namespace fata::block_test {

using async::Scope;
using async::Task;
using async::Wait;

class Report {
 public:
  using Line = Text<200>;
  explicit Report(void (*say)(std::string_view)) : say_(say) {}

  template <class... Parts>
  bool expect(bool good, const Parts&... what) {
    ++checks_;
    if (good) return true;
    ++failures_;
    if (failures_ <= 20) say_(Line(std::in_place, "wrong: ", what...).view());
    return false;
  }
  // Expects success; on failure the error is part of the report.
  bool good(const Result<void>& outcome, std::string_view what) {
    return outcome ? expect(true) : expect(false, what, ": ", outcome.error());
  }
  template <class E>
  bool refused(const Result<void>& outcome, E why, std::string_view what) {
    if (outcome) return expect(false, what, " succeeded");
    return expect(outcome.error().is(why), what, ": ", outcome.error());
  }
  unsigned checks() const { return checks_; }
  unsigned failures() const { return failures_; }

 private:
  void (*say_)(std::string_view);
  unsigned checks_ = 0, failures_ = 0;
};

// Memory with an alignment that every device accepts.
class Buffer {
 public:
  explicit Buffer(std::size_t size) : memory_(size, 4096) {}
  MutableBytes bytes() { return memory_.bytes(); }
  MutableBytes part(std::size_t at, std::size_t size) { return bytes().subspan(at, size); }

 private:
  AlignedBuffer memory_;
};

// Content that identifies its sector and the round in which it was written.
inline void fill(MutableBytes bytes, std::uint64_t sector, std::uint32_t round,
                 std::size_t sector_size) {
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    const std::uint64_t place = sector + at / sector_size;
    store_le(bytes.subspan(at),
             (place << 24 ^ std::uint64_t{round} << 8 ^ at / 8 % (sector_size / 8)) *
                 0x9e3779b97f4a7c15);
  }
}
inline bool holds(Bytes bytes, std::uint64_t sector, std::uint32_t round, std::size_t sector_size) {
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    const std::uint64_t place = sector + at / sector_size;
    if (load_le<std::uint64_t>(bytes.subspan(at)) !=
        (place << 24 ^ std::uint64_t{round} << 8 ^ at / 8 % (sector_size / 8)) * 0x9e3779b97f4a7c15)
      return false;
  }
  return true;
}

template <class B>
Task<void> write_round(B* device, std::uint64_t sector, std::uint64_t count, std::uint32_t round,
                       Report* report) {
  const std::size_t size = device->geometry().sector_size;
  Buffer buffer(static_cast<std::size_t>(count) * size);
  fill(buffer.bytes(), sector, round, size);
  report->good(co_await device->write(sector, buffer.bytes(), Wait{}), "a write");
}
template <class B>
Task<void> expect_round(B* device, std::uint64_t sector, std::uint64_t count, std::uint32_t round,
                        Report* report) {
  const std::size_t size = device->geometry().sector_size;
  Buffer buffer(static_cast<std::size_t>(count) * size);
  report->good(co_await device->read(sector, buffer.bytes(), Wait{}), "a read");
  report->expect(holds(buffer.bytes(), sector, round, size), "other content at sector ", sector);
}

template <class B>
void geometry_makes_sense(B* device, Report* report) {
  const sig::BlockGeometry g = device->geometry();
  report->expect(
      std::has_single_bit(g.sector_size) && g.sector_size >= 512 && g.sector_size <= 65536,
      "sector size");
  report->expect(g.sectors >= 128 && g.sectors <= (std::uint64_t{1} << 63) / g.sector_size,
                 "sectors");
  report->expect(std::has_single_bit(g.alignment) && g.alignment <= 4096, "alignment");
  report->expect(g.optimal >= g.sector_size && g.optimal % g.sector_size == 0, "optimal");
  report->expect(g.parallel >= 1, "parallel");
  report->expect(g == device->geometry(), "a geometry that changes");
}

template <class B>
Task<void> reads_what_was_written_and_nothing_beside_it(B* device, Report* report) {
  co_await write_round(device, 0, 64, 1, report);
  for (const auto [sector, count] :
       {std::pair(0, 1), std::pair(1, 2), std::pair(7, 16), std::pair(63, 1)}) {
    co_await write_round(device, static_cast<std::uint64_t>(sector),
                         static_cast<std::uint64_t>(count), 2, report);
  }
  for (const auto [sector, count, round] :
       {std::array{0, 3, 2}, std::array{3, 4, 1}, std::array{7, 16, 2}, std::array{23, 40, 1},
        std::array{63, 1, 2}}) {
    co_await expect_round(device, static_cast<std::uint64_t>(sector),
                          static_cast<std::uint64_t>(count), static_cast<std::uint32_t>(round),
                          report);
  }
  const std::uint64_t last = device->geometry().sectors - 1;
  co_await write_round(device, last, 1, 3, report);
  co_await expect_round(device, last, 1, 3, report);
}

template <class B>
Task<void> refuses_what_does_not_fit(B* device, Report* report) {
  using enum sig::BlockErrc;
  const sig::BlockGeometry g = device->geometry();
  const std::size_t size = g.sector_size;
  co_await write_round(device, g.sectors - 1, 1, 4, report);
  Buffer buffer(4 * size);
  report->refused(co_await device->write(g.sectors, buffer.part(0, size), Wait{}), kOutOfRange,
                  "a write beyond the end");
  report->refused(co_await device->write(g.sectors - 1, buffer.part(0, 2 * size), Wait{}),
                  kOutOfRange, "a write over the end");
  report->refused(co_await device->read(g.sectors - 1, buffer.part(0, 2 * size), Wait{}),
                  kOutOfRange, "a read over the end");
  report->refused(co_await device->read(~std::uint64_t{0}, buffer.part(0, 2 * size), Wait{}),
                  kOutOfRange, "a read far away");
  report->refused(co_await device->read(0, buffer.part(0, size - 1), Wait{}), kBadSize,
                  "a read of a part of a sector");
  report->refused(co_await device->write(0, buffer.part(0, size + 1), Wait{}), kBadSize,
                  "a write of a sector and a byte");
  if (g.alignment > 1) {
    report->refused(co_await device->read(0, buffer.part(1, size), Wait{}), kMisaligned,
                    "a read between two boundaries");
  }
  report->good(co_await device->read(g.sectors, buffer.part(0, 0), Wait{}),
               "a read of nothing at the end");
  report->good(co_await device->write(0, buffer.part(0, 0), Wait{}), "a write of nothing");
  if (g.discards) {
    report->refused(co_await device->discard(g.sectors, 1, Wait{}), kOutOfRange,
                    "a discard beyond the end");
    report->refused(co_await device->discard(1, ~std::uint64_t{0}, Wait{}), kOutOfRange,
                    "a discard of far too much");
    report->good(co_await device->discard(g.sectors, 0, Wait{}), "a discard of nothing");
  } else {
    report->refused(co_await device->discard(0, 1, Wait{}), kUnsupported,
                    "a discard that there is not");
  }
  co_await expect_round(device, g.sectors - 1, 1, 4, report);
}

template <class B>
Task<void> has_many_under_way(B* device, Report* report) {
  const std::uint64_t count =
      std::min<std::uint64_t>(device->geometry().sectors, 3 * device->geometry().parallel + 5);
  Scope scope;
  for (std::uint64_t i = 0; i < count; ++i) scope.spawn(write_round(device, i, 1, 5, report));
  co_await scope.join();
  for (std::uint64_t i = 0; i < count; ++i)
    scope.spawn(expect_round(device, count - 1 - i, 1, 5, report));
  co_await scope.join();
}

template <class B>
Task<void> moves_much_in_one_go(B* device, Report* report) {
  const sig::BlockGeometry g = device->geometry();
  const std::uint64_t count =
      std::min<std::uint64_t>(g.sectors, (std::uint64_t{4} << 20) / g.sector_size);
  co_await write_round(device, 0, count, 6, report);
  co_await expect_round(device, 0, count, 6, report);
  co_await expect_round(device, count / 2, 1, 6, report);
}

template <class B>
Task<void> overlapping_writes_leave_each_sector_as_one_of_them(B* device, Report* report) {
  const std::size_t size = device->geometry().sector_size;
  Scope scope;
  for (std::uint32_t i = 0; i < 6; ++i) scope.spawn(write_round(device, i, 8, 10 + i, report));
  co_await scope.join();
  Buffer buffer(13 * size);
  report->good(co_await device->read(0, buffer.bytes(), Wait{}), "a read");
  for (std::uint64_t sector = 0; sector < 13; ++sector) {
    bool found = false;
    for (std::uint32_t i = 0; i < 6; ++i) {
      const bool touched = sector >= i && sector < std::uint64_t{i} + 8;
      found = found || (touched && holds(buffer.part(static_cast<std::size_t>(sector) * size, size),
                                         sector, 10 + i, size));
    }
    report->expect(found, "a mixture in sector ", sector);
  }
}

template <class B>
Task<void> flush_keeps_what_was_written(B* device, Report* report) {
  Scope scope;
  for (std::uint64_t i = 0; i < 4; ++i) scope.spawn(write_round(device, 16 * i, 16, 7, report));
  report->good(co_await device->flush(Wait{}), "a flush beside writes");
  co_await scope.join();
  report->good(co_await device->flush(Wait{}), "a flush");
  report->good(co_await device->flush(Wait{}), "a flush of nothing");
  co_await expect_round(device, 0, 64, 7, report);
}

template <class B>
Task<void> discard_spares_its_neighbours(B* device, Report* report) {
  if (!device->geometry().discards) co_return;
  co_await write_round(device, 0, 96, 8, report);
  report->good(co_await device->discard(8, 80, Wait{}), "a discard");
  co_await expect_round(device, 0, 8, 8, report);
  co_await expect_round(device, 88, 8, 8, report);
  co_await write_round(device, 8, 80, 9, report);
  co_await expect_round(device, 8, 80, 9, report);
}

// All parallel requests are issued in this turn of the loop, so that one more has to wait.
template <class B>
Task<void> who_gives_up_waiting_has_done_nothing(B* device, Report* report) {
  const sig::BlockGeometry g = device->geometry();
  const std::uint32_t taken = std::min<std::uint32_t>(g.parallel, 100);
  if (taken < g.parallel) co_return;
  co_await write_round(device, g.sectors - 1, 1, 20, report);
  async::CancelSource cancelled;
  cancelled.cancel();
  Buffer buffer(g.sector_size);
  Scope scope;
  for (std::uint32_t i = 0; i < taken; ++i) scope.spawn(write_round(device, i, 1, 21, report));
  co_await async::yield();
  report->refused(
      co_await device->write(g.sectors - 1, buffer.bytes(), Wait::cancelled_by(cancelled.token())),
      async::Errc::kCancelled, "a write that was cancelled while it waited");
  co_await scope.join();
  co_await expect_round(device, g.sectors - 1, 1, 20, report);
}

// The buffer is destroyed with the task: the device must not use it afterwards.
template <class B>
Task<void> a_task_may_die_in_the_middle(B* device, Report* report) {
  for (int i = 0; i < 8; ++i) {
    Report unheard([](std::string_view) {});
    const async::Background dying(write_round(device, 0, 32, 22, &unheard));
    const async::Background reading(expect_round(device, 0, 32, 23, &unheard));
    for (int turns = 0; turns < i; ++turns) co_await async::yield();
  }
  co_await write_round(device, 0, 32, 24, report);
  co_await expect_round(device, 0, 32, 24, report);
}

// Compares the device with a copy in memory. Steps of one round touch different sectors, because
// overlapping ones have no order.
template <class B>
Task<void> agrees_with_a_model(B* device, std::uint32_t seed, Report* report) {
  constexpr std::uint64_t kSectors = 120;
  std::uint32_t state = seed;
  const auto draw = [&](std::uint32_t limit) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % limit;
  };
  std::array<std::uint32_t, kSectors> rounds{};
  co_await write_round(device, 0, kSectors, 0, report);
  for (std::uint32_t round = 1; round <= 40; ++round) {
    Scope scope;
    for (std::uint64_t at = 0; at < kSectors;) {
      const std::uint64_t count = std::min<std::uint64_t>(1 + draw(9), kSectors - at);
      const bool alike = std::ranges::all_of(
          std::span(rounds).subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count)),
          [&](std::uint32_t r) { return r == rounds[static_cast<std::size_t>(at)]; });
      switch (draw(3)) {
        case 0:
          scope.spawn(write_round(device, at, count, round, report));
          std::ranges::fill(std::span(rounds).subspan(static_cast<std::size_t>(at),
                                                      static_cast<std::size_t>(count)),
                            round);
          break;
        case 1:
          if (alike)
            scope.spawn(
                expect_round(device, at, count, rounds[static_cast<std::size_t>(at)], report));
          break;
        default:
          break;
      }
      at += count;
    }
    co_await scope.join();
    if (draw(4) == 0) report->good(co_await device->flush(Wait{}), "a flush");
  }
  for (std::uint64_t at = 0; at < kSectors; ++at) {
    co_await expect_round(device, at, 1, rounds[static_cast<std::size_t>(at)], report);
  }
}

// Runs the whole suite.
template <class B>
Task<void> conform(B* device, std::uint32_t seed, Report* report) {
  geometry_makes_sense(device, report);
  co_await reads_what_was_written_and_nothing_beside_it(device, report);
  co_await refuses_what_does_not_fit(device, report);
  co_await has_many_under_way(device, report);
  co_await moves_much_in_one_go(device, report);
  co_await overlapping_writes_leave_each_sector_as_one_of_them(device, report);
  co_await flush_keeps_what_was_written(device, report);
  co_await discard_spares_its_neighbours(device, report);
  co_await who_gives_up_waiting_has_done_nothing(device, report);
  co_await a_task_may_die_in_the_middle(device, report);
  co_await agrees_with_a_model(device, seed, report);
}

}  // namespace fata::block_test
