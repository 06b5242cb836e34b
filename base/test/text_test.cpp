#include "fata/base/text.hpp"

#include <gtest/gtest.h>

#include "fata/base/counter.hpp"
#include "fata/base/result.hpp"

namespace fata {
namespace {

template <class... Parts>
std::string text(const Parts&... parts) {
  Text<200> out(std::in_place, parts...);
  return std::string(out.view());
}

TEST(Text, WritesNumbersAtTheirLimits) {
  EXPECT_EQ(text(0U, ' ', -1, ' ', INT64_MIN, ' ', UINT64_MAX),
            "0 -1 -9223372036854775808 18446744073709551615");
  EXPECT_EQ(text(Hex{0x1f}, ' ', Hex{0x1f, 4}), "0x1f 0x001f");
  EXPECT_EQ(text(true, 'x', "y"), "truexy");
}

TEST(Text, WritesDurationsWithAUnitThatFits) {
  EXPECT_EQ(text(nanoseconds(7), ' ', microseconds(12), ' ', microseconds(20400), ' ',
                 milliseconds(1500), ' ', milliseconds(-2)),
            "7ns 12us 20.4ms 1.500s -2.0ms");
}

TEST(Text, WritesWallTimesAsIso8601InUtc) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const struct {
    std::int64_t ns;
    const char* text;
  } cases[]{
      {0, "1970-01-01T00:00:00.000Z"},
      {1, "1970-01-01T00:00:00.000Z"},
      {-1, "1969-12-31T23:59:59.999Z"},
      {-kSecond, "1969-12-31T23:59:59.000Z"},
      {-86'400 * kSecond, "1969-12-31T00:00:00.000Z"},
      {951'782'400 * kSecond, "2000-02-29T00:00:00.000Z"},
      {1'740'830'400 * kSecond + 250'999'999, "2025-03-01T12:00:00.250Z"},
      {1'767'225'599 * kSecond + 999'000'000, "2025-12-31T23:59:59.999Z"},
      {INT64_MAX, "2262-04-11T23:47:16.854Z"},
      {INT64_MIN, "1677-09-21T00:12:43.145Z"},
  };
  for (const auto& one : cases) EXPECT_EQ(text(WallTime{one.ns}), one.text);
}

TEST(Text, CutsWhatDoesNotFitAndSaysSo) {
  Text<4> out(std::in_place, "abcdef");
  EXPECT_EQ(out.view(), "abcd");
  EXPECT_TRUE(out.truncated());
}

TEST(ParseUnsigned, TakesWholeNumbersUpToTheLimitOnly) {
  std::uint64_t value = 0;
  EXPECT_TRUE(parse_unsigned("65535", 65535, value));
  EXPECT_EQ(value, 65535U);
  EXPECT_TRUE(parse_unsigned("18446744073709551615", UINT64_MAX, value));
  for (const char* wrong : {"", "65536", "1x", "-1", " 1", "99999999999999999999"}) {
    EXPECT_FALSE(parse_unsigned(wrong, 65535, value)) << wrong;
  }
  EXPECT_FALSE(parse_unsigned("18446744073709551616", UINT64_MAX, value));
  EXPECT_FALSE(parse_unsigned("7", 5, value));
}

TEST(Counters, AreListedUnlessZero) {
  std::array<Counter, 3> counters{Counter{"rx"}, Counter{"tx"}, Counter{"dropped"}};
  Text<100> out;
  write_counters(out, counters);
  EXPECT_EQ(out.view(), "nothing");
  out.clear();
  ++counters[0];
  counters[2] += 5;
  write_counters(out, counters);
  EXPECT_EQ(out.view(), "rx 1, dropped 5");
}

enum class DemoErrc : std::uint32_t { kBroken = 1 };
const ErrorDomain& error_domain(DemoErrc) {
  static constexpr ErrorDomain domain{
      "demo", [](std::uint32_t) -> std::string_view { return "it is broken"; }};
  return domain;
}

TEST(Error, CarriesItsLayerAndPrintsItsDetail) {
  const Error plain = DemoErrc::kBroken;
  EXPECT_TRUE(plain.is(DemoErrc::kBroken));
  EXPECT_EQ(text(plain), "demo: it is broken");
  const Result<int> result = fail(DemoErrc::kBroken, 13);
  EXPECT_EQ(text(result.error()), "demo: it is broken (13)");
}

}  // namespace
}  // namespace fata
