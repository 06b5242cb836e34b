// Draws a number at each start, and keeps the previous draws on its disk. A slot is one sector,
// which a disk writes as a whole or not at all, so after any failure the slot holds the last draw
// or the one before.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/base/aligned.hpp>
#include <fata/base/bytes.hpp>
#include <fata/sig/block.hpp>
#include <fata/sig/clock.hpp>
#include <fata/sig/console.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace disk_lottery {

// The content of a slot: the magic word, a checksum of the rest, the number of draws, and the last
// drawn numbers, newest first.
struct Slot {
  static constexpr std::uint64_t kMagic = 0x3154'4f4c'4154'4146;  // "FATALOT1"
  static constexpr std::size_t kSize = 512, kKept = 16;

  std::uint64_t draws = 0;
  std::array<std::uint8_t, kKept> last{};

  void write(fata::MutableBytes sector) const {
    std::ranges::fill(sector, std::byte{0});
    fata::store_le(sector, kMagic);
    fata::store_le(sector.subspan(16), draws);
    for (std::size_t i = 0; i < kKept; ++i) sector[24 + i] = static_cast<std::byte>(last[i]);
    fata::store_le(sector.subspan(8), sum(sector));
  }
  // Returns nothing if the sector holds something else or is damaged.
  static std::optional<Slot> parse(fata::Bytes sector) {
    if (fata::load_le<std::uint64_t>(sector) != kMagic) return std::nullopt;
    if (fata::load_le<std::uint64_t>(sector.subspan(8)) != sum(sector)) return std::nullopt;
    Slot slot;
    slot.draws = fata::load_le<std::uint64_t>(sector.subspan(16));
    for (std::size_t i = 0; i < kKept; ++i)
      slot.last[i] = std::to_integer<std::uint8_t>(sector[24 + i]);
    return slot;
  }

 private:
  // FNV-1a over the bytes after the checksum.
  static std::uint64_t sum(fata::Bytes sector) {
    std::uint64_t value = 0xcbf29ce484222325;
    for (const std::byte b : sector.subspan(16))
      value = (value ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3;
    return value;
  }
};

template <fata::sig::BlockDevice Disk, fata::sig::Random Random, fata::sig::Console Console>
class Lottery {
 public:
  Lottery(fata::async::Context& context, Disk& disk, Random& random, Console& console,
          std::uint32_t slot, bool reset, bool wait)
      : stop_(context.stop),
        log_(context.logger("disk-lottery")),
        disk_(disk),
        random_(random),
        console_(console),
        number_(slot),
        reset_(reset),
        wait_(wait) {}

  fata::async::Task<int> start() {
    const fata::sig::BlockGeometry geometry = disk_.geometry();
    fata::AlignedBuffer sector(geometry.sector_size, geometry.alignment);
    if (const auto read = co_await disk_.read(number_, sector.bytes(), fata::async::Wait{});
        !read) {
      log_.error("slot ", number_, " cannot be read: ", read.error(),
                 "; this disk has the slots 0 to ", geometry.sectors - 1);
      co_return read.error().is(fata::sig::BlockErrc::kOutOfRange) ? 64 : 1;
    }
    const bool blank =
        std::ranges::all_of(sector.bytes(), [](std::byte b) { return b == std::byte{0}; });
    std::optional<Slot> slot = Slot::parse(sector.bytes());
    if (!slot && !blank && !reset_) {
      log_.error("slot ", number_, " holds something else; --reset=on forgets it");
      co_return 1;
    }
    if (!slot || reset_) slot.emplace();

    const std::uint8_t drawn = draw();
    tell(*slot, drawn);
    std::shift_right(slot->last.begin(), slot->last.end(), 1);
    slot->last[0] = drawn;
    ++slot->draws;
    slot->write(sector.bytes());
    auto kept = co_await disk_.write(number_, sector.bytes(), fata::async::Wait{});
    if (kept) kept = co_await disk_.flush(fata::async::Wait{});
    if (!kept) {
      log_.error("the draw could not be kept: ", kept.error());
      co_return 1;
    }
    console_.write("kept\n");
    if (wait_) (void)co_await fata::async::sleep_until(fata::Instant::never(), stop_);
    co_return 0;
  }

 private:
  // 1 to 49, uniformly distributed.
  std::uint8_t draw() {
    std::array<std::byte, 1> byte{};
    do {
      random_.fill(byte);
    } while (std::to_integer<unsigned>(byte[0]) >= 49 * 5);
    return static_cast<std::uint8_t>(1 + std::to_integer<unsigned>(byte[0]) % 49);
  }

  void tell(const Slot& slot, std::uint8_t drawn) {
    fata::Text<300> line(std::in_place, "slot ", number_, ", draw ", slot.draws + 1, ": ",
                         unsigned{drawn});
    const std::size_t known =
        std::min<std::size_t>(static_cast<std::size_t>(slot.draws), Slot::kKept);
    bool won = false;
    for (std::size_t i = 0; i < known; ++i) {
      print(line, i == 0 ? "; before: " : ", ");
      print(line, unsigned{slot.last[i]});
      won = won || slot.last[i] == drawn;
    }
    print(line, won ? "; you win\n" : "\n");
    console_.write(line.view());
  }

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Disk& disk_;
  Random& random_;
  Console& console_;
  std::uint32_t number_;
  bool reset_, wait_;
};

}  // namespace disk_lottery
