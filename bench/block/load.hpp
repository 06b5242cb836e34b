// Loads a disk for a given time and prints the completed operations per second.
#pragma once

#include <cstdint>
#include <string_view>

#include "fata/async/context.hpp"
#include "fata/async/scope.hpp"
#include "fata/base/aligned.hpp"
#include "fata/sig/block.hpp"
#include "fata/sig/clock.hpp"
#include "fata/sig/console.hpp"

namespace block_bench {

template <fata::sig::BlockDevice Disk, fata::sig::Clock Clock, fata::sig::Console Console>
class Load {
 public:
  Load(fata::async::Context& context, Disk& disk, Clock& clock, Console& console,
       std::string_view what, std::uint32_t size, std::uint32_t depth, bool sequential,
       fata::Duration duration)
      : log_(context.logger("block-bench")),
        disk_(disk),
        clock_(clock),
        console_(console),
        what_(what),
        sectors_(size / disk.geometry().sector_size),
        places_(disk.geometry().sectors / sectors_),
        depth_(depth),
        sequential_(sequential),
        duration_(duration) {}

  fata::async::Task<int> start() {
    const fata::Instant begun = clock_.now();
    fata::async::Scope scope;
    for (std::uint32_t i = 0; i < depth_; ++i) scope.spawn(worker(begun + duration_));
    co_await scope.join();
    const fata::Duration took = clock_.now() - begun;
    const auto rate =
        static_cast<std::uint64_t>(static_cast<std::int64_t>(ended_) * 1'000'000 / (took.us() + 1));
    console_.write(fata::Text<100>(std::in_place, rate, " operations/s\n").view());
    co_return failed_ ? 1 : 0;
  }

 private:
  fata::async::Task<void> worker(fata::Instant end) {
    const fata::sig::BlockGeometry geometry = disk_.geometry();
    fata::AlignedBuffer buffer(static_cast<std::size_t>(sectors_) * geometry.sector_size, 4096);
    while (clock_.now() < end && !failed_) {
      const std::uint64_t sector = sectors_ * (sequential_ ? next_++ % places_ : draw() % places_);
      fata::Result<void> done =
          what_ == "read" ? co_await disk_.read(sector, buffer.bytes(), fata::async::Wait{})
                          : co_await disk_.write(sector, buffer.bytes(), fata::async::Wait{});
      if (done && what_ == "flush") done = co_await disk_.flush(fata::async::Wait{});
      ++ended_;
      if (done) continue;
      failed_ = true;
      log_.error(done.error());
    }
  }
  // splitmix64
  std::uint64_t draw() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  fata::Logger log_;
  Disk& disk_;
  Clock& clock_;
  Console& console_;
  std::string_view what_;
  std::uint64_t sectors_, places_;
  std::uint32_t depth_;
  bool sequential_;
  fata::Duration duration_;
  std::uint64_t state_ = 1, next_ = 0, ended_ = 0;
  bool failed_ = false;
};

}  // namespace block_bench
