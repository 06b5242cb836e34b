// Prints a disk's properties and checks its behaviour. The disk's content is overwritten, unless
// the disk is read-only.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/scope.hpp>
#include <fata/async/task.hpp>
#include <fata/base/aligned.hpp>
#include <fata/base/bytes.hpp>
#include <fata/sig/block.hpp>
#include <fata/sig/console.hpp>

#include <algorithm>
#include <cstdint>

namespace block_example {

template <fata::sig::BlockDevice Disk, fata::sig::Console Console>
class Check {
 public:
  Check(fata::async::Context& context, Disk& disk, Console& console)
      : log_(context.logger("block")), disk_(disk), console_(console), geometry_(disk.geometry()) {}

  fata::async::Task<int> start() {
    tell(geometry_.sectors, " sectors of ", geometry_.sector_size, " bytes, ",
         geometry_.writable ? "read-write" : "read-only", geometry_.discards ? ", discards" : "",
         geometry_.cached ? "" : ", uncached", "; buffers aligned to ", geometry_.alignment,
         ", writes best of ", geometry_.optimal, ", ", geometry_.parallel, " operations at once");
    const fata::Result<void> done = co_await check();
    if (!done) log_.error(done.error());
    if (!done || wrong_ != 0) co_return 1;
    tell("all is well");
    co_return 0;
  }

 private:
  // Largest number of sectors per operation.
  static constexpr std::uint64_t kMax = 16;

  fata::async::Task<fata::Result<void>> check() {
    const fata::Result<void> beyond = co_await beyond_the_end();
    if (!beyond || !geometry_.writable) co_return beyond;
    // The start, the middle and the end of the disk, all in progress at once.
    const std::uint64_t count = std::min<std::uint64_t>(kMax, geometry_.sectors);
    fata::async::Scope scope;
    for (const std::uint64_t at :
         {std::uint64_t{0}, (geometry_.sectors - count) / 2, geometry_.sectors - count}) {
      scope.spawn(fill(at, count));
    }
    co_await scope.join();
    if (const auto flushed = co_await disk_.flush(fata::async::Wait{}); !flushed) co_return flushed;
    tell("flushed");
    const fata::Result<void> found = co_await verify(geometry_.sectors - count, count);
    if (!found) co_return found;
    if (!geometry_.discards) co_return found;
    const auto discarded = co_await disk_.discard(0, count, fata::async::Wait{});
    if (discarded) tell("discarded ", count, " sectors");
    co_return discarded;
  }

  fata::async::Task<fata::Result<void>> beyond_the_end() {
    fata::AlignedBuffer buffer(geometry_.sector_size, geometry_.alignment);
    const auto read = co_await disk_.read(geometry_.sectors, buffer.bytes(), fata::async::Wait{});
    const auto last =
        co_await disk_.read(geometry_.sectors - 1, buffer.bytes(), fata::async::Wait{});
    if (read || !read.error().is(fata::sig::BlockErrc::kOutOfRange)) {
      ++wrong_;
      log_.error("a sector beyond the last one could be read");
    } else {
      tell("sector ", geometry_.sectors, " is refused: ", read.error());
    }
    co_return last;
  }

  // Writes a pattern that differs in each sector, and reads it back.
  fata::async::Task<void> fill(std::uint64_t sector, std::uint64_t count) {
    fata::AlignedBuffer buffer(static_cast<std::size_t>(count) * geometry_.sector_size,
                               geometry_.alignment);
    for (std::size_t at = 0; at < buffer.bytes().size(); at += 8) {
      fata::store_le(buffer.bytes().subspan(at), pattern(sector, at));
    }
    const auto written = co_await disk_.write(sector, buffer.bytes(), fata::async::Wait{});
    const auto found = written ? co_await verify(sector, count) : written;
    if (found) co_return;
    ++wrong_;
    log_.error("sectors ", sector, " to ", sector + count - 1, ": ", found.error());
  }

  fata::async::Task<fata::Result<void>> verify(std::uint64_t sector, std::uint64_t count) {
    fata::AlignedBuffer buffer(static_cast<std::size_t>(count) * geometry_.sector_size,
                               geometry_.alignment);
    const auto read = co_await disk_.read(sector, buffer.bytes(), fata::async::Wait{});
    if (!read) co_return read;
    for (std::size_t at = 0; at < buffer.bytes().size(); at += 8) {
      if (fata::load_le<std::uint64_t>(buffer.bytes().subspan(at)) == pattern(sector, at)) continue;
      ++wrong_;
      log_.error("sector ", sector + at / geometry_.sector_size, " holds something else");
      co_return read;
    }
    tell("sectors ", sector, " to ", sector + count - 1, " hold what was written");
    co_return read;
  }

  static std::uint64_t pattern(std::uint64_t sector, std::size_t at) {
    return (sector * 65536 + at) * 0x9e3779b97f4a7c15;
  }

  template <class... Parts>
  void tell(const Parts&... parts) {
    console_.write(fata::Text<300>(std::in_place, parts..., "\n").view());
  }

  fata::Logger log_;
  Disk& disk_;
  Console& console_;
  fata::sig::BlockGeometry geometry_;
  unsigned wrong_ = 0;
};

}  // namespace block_example
