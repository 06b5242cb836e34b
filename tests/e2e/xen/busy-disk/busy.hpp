// Writes, reads back and flushes several regions of its disk at once until a stop is requested,
// then reports the content of each region.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/scope.hpp>
#include <fata/base/bytes.hpp>
#include <fata/base/text.hpp>
#include <fata/sig/block.hpp>
#include <fata/sig/console.hpp>

#include <cstdint>
#include <vector>

namespace busy_disk {

template <fata::sig::BlockDevice Disk, fata::sig::Console Console>
class Busy {
 public:
  Busy(fata::async::Context& context, Disk& disk, Console& console)
      : stop_(context.stop), log_(context.logger("busy")), disk_(disk), console_(console) {}

  fata::async::Task<int> start() {
    fata::async::Scope scope;
    for (std::uint64_t region = 0; region < kRegions; ++region) scope.spawn(work(region));
    co_await scope.join();
    co_return good_ ? 0 : 1;
  }

 private:
  static constexpr std::uint64_t kRegions = 4;
  static constexpr std::size_t kBytes = 96 << 10;

  // Each word holds the region, the round and its position.
  static std::uint64_t word(std::uint64_t region, std::uint64_t round, std::size_t at) {
    return region << 56 | round << 24 | at / 8;
  }

  fata::async::Task<void> work(std::uint64_t region) {
    std::vector<std::byte> out(kBytes), in(kBytes);
    const std::uint64_t sector = region * kBytes / disk_.geometry().sector_size;
    std::uint64_t round = 0;
    while (!stop_.cancelled() && good_) {
      ++round;
      for (std::size_t at = 0; at < kBytes; at += 8)
        fata::store_le(fata::MutableBytes(out).subspan(at), word(region, round, at));
      auto done = co_await disk_.write(sector, out, fata::async::Wait{});
      if (done) done = co_await disk_.read(sector, in, fata::async::Wait{});
      if (done && round % 4 == 0) done = co_await disk_.flush(fata::async::Wait{});
      if (!done) log_.error("region ", region, ", round ", round, ": ", done.error());
      if (done && !fata::equal_bytes(in, out))
        log_.error("region ", region, " holds something else than round ", round);
      good_ = good_ && done && fata::equal_bytes(in, out);
      if (round % 5 == 0 && region == 0) tell("round ", round);
    }
    if (good_) good_ = (co_await disk_.flush(fata::async::Wait{})).has_value();
    tell("region ", region, " holds round ", round);
  }

  template <class... Parts>
  void tell(const Parts&... parts) {
    console_.write(fata::Text<100>(std::in_place, parts..., "\n").view());
  }

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Disk& disk_;
  Console& console_;
  bool good_ = true;
};

}  // namespace busy_disk
