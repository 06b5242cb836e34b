#include "fata/sig/block.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>

namespace fata::sig {
namespace {

constexpr BlockGeometry kGeometry{
    .sector_size = 512, .sectors = 100, .discards = true, .alignment = 64};
constexpr std::uint64_t kFar = ~std::uint64_t{0};

struct Case {
  const char* name;
  std::uint64_t sector;
  std::size_t offset, size;  // into the buffer
  std::optional<BlockErrc> why;
};
constexpr Case kCases[] = {
    {"all of it", 0, 0, 51'200, {}},
    {"the last sector", 99, 0, 512, {}},
    {"nothing, at the end", 100, 0, 0, {}},
    {"nothing, beyond the end", 101, 0, 0, BlockErrc::kOutOfRange},
    {"one sector too many", 99, 0, 1024, BlockErrc::kOutOfRange},
    {"far beyond the end", kFar, 0, 512, BlockErrc::kOutOfRange},
    {"a sum that overflows", kFar - 1, 0, 1024, BlockErrc::kOutOfRange},
    {"a part of a sector", 0, 0, 511, BlockErrc::kBadSize},
    {"a sector and a byte", 0, 0, 513, BlockErrc::kBadSize},
    {"a buffer between two boundaries", 0, 8, 512, BlockErrc::kMisaligned},
};

TEST(Block, RefusesWhatDoesNotFitTheDevice) {
  alignas(64) static std::array<std::byte, 60'000> memory;
  for (const Case& c : kCases) {
    const Bytes buffer = Bytes(memory).subspan(c.offset, c.size);
    const auto expect = [&](const Result<void>& got) {
      EXPECT_EQ(got.has_value(), !c.why) << c.name;
      if (!got && c.why)
        EXPECT_TRUE(got.error().is(*c.why)) << c.name << ": " << got.error().message();
    };
    expect(check_read(kGeometry, c.sector, buffer));
    expect(check_write(kGeometry, c.sector, buffer));
    if (c.size % 512 == 0 && c.offset == 0)
      expect(check_discard(kGeometry, c.sector, c.size / 512));
  }
}

TEST(Block, RefusesToWriteWhatIsReadOnlyAndToDiscardWhatCannot) {
  BlockGeometry geometry = kGeometry;
  geometry.discards = false;
  EXPECT_TRUE(check_discard(geometry, 0, 1).error().is(BlockErrc::kUnsupported));
  geometry.writable = false;
  EXPECT_TRUE(check_write(geometry, 0, {}).error().is(BlockErrc::kReadOnly));
  EXPECT_TRUE(check_discard(geometry, 0, 1).error().is(BlockErrc::kReadOnly));
  EXPECT_TRUE(check_read(geometry, 0, {}));
}

}  // namespace
}  // namespace fata::sig
