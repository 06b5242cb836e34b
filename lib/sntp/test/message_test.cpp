#include "fata/sntp/message.hpp"

#include <gtest/gtest.h>

#include "server.hpp"

namespace fata::sntp {
namespace {

std::array<std::byte, kMessageSize> request(std::uint64_t cookie) {
  std::array<std::byte, kMessageSize> out;
  write_request(cookie, out);
  return out;
}

TEST(NtpMessage, ARequestHoldsTheCookieAndNothingOfThisMachine) {
  const auto out = request(0x0102030405060708);
  EXPECT_EQ(out[0], std::byte{0x23});
  for (std::size_t i = 1; i < 40; ++i) EXPECT_EQ(out[i], std::byte{}) << i;
  EXPECT_EQ(load_be<std::uint64_t>(Bytes(out).subspan(40)), 0x0102030405060708u);
}

TEST(NtpMessage, AReplyIsReadWhole) {
  const WallTime at = kNewYear, left{kNewYear.ns + 500'000'000};
  const auto bytes =
      TimeServer{.leap = 1, .stratum = 3, .precision = -10, .root_delay = 0x18000}.answer(
          request(77), at, left);
  Reply reply;
  ASSERT_TRUE(Reply::parse(bytes, reply));
  EXPECT_EQ(reply.leap, 1);
  EXPECT_EQ(reply.stratum, 3);
  EXPECT_EQ(reply.precision, nanoseconds(976'562));
  EXPECT_EQ(reply.root_delay, milliseconds(1500));
  EXPECT_EQ(reply.root_dispersion, nanoseconds(3'906'250));
  EXPECT_EQ(reply.reference_id, 0x0a000001u);
  EXPECT_EQ(reply.origin, 77u);
  EXPECT_FALSE(reply.unset);
  EXPECT_EQ(reply.received, at);
  EXPECT_EQ(reply.transmitted, left);
  EXPECT_EQ(reply.reference.ns, left.ns - seconds(16).ns);
}

TEST(NtpMessage, TimestampsReachFrom1968To2104) {
  const struct {
    std::uint64_t timestamp;
    std::int64_t seconds;
  } cases[] = {{0x8000000000000000, -61'505'152},  // 1968-01-20T03:14:08Z
               {0x83aa7e8000000000, 0},
               {0xffffffff00000000, 2'085'978'495},
               {0x0000000000000000, 2'085'978'496},  // 2036-02-07T06:28:16Z
               {0x7fffffff00000000, 4'233'462'143}};
  for (const auto& each : cases)
    EXPECT_EQ(from_timestamp(each.timestamp).ns, each.seconds * 1'000'000'000) << each.timestamp;
  EXPECT_EQ(from_timestamp(0x83aa7e8080000000).ns, 500'000'000);
  EXPECT_EQ(from_timestamp(0x83aa7e80ffffffff).ns, 999'999'999);
}

TEST(NtpMessage, AnUnknownTimestampIsNoted) {
  for (const std::size_t at : {16u, 32u, 40u}) {
    auto bytes = TimeServer{}.answer(request(1), kNewYear, kNewYear);
    std::ranges::fill(MutableBytes(bytes).subspan(at, 8), std::byte{});
    Reply reply;
    ASSERT_TRUE(Reply::parse(bytes, reply));
    EXPECT_TRUE(reply.unset) << at;
  }
}

TEST(NtpMessage, WhatIsShortOrOfAnotherVersionOrModeIsRefused) {
  Reply reply;
  const auto whole = TimeServer{}.answer(request(1), kNewYear, kNewYear);
  for (std::size_t size = 0; size < kMessageSize; ++size)
    EXPECT_FALSE(Reply::parse(Bytes(whole).first(size), reply)) << size;
  for (int version = 0; version < 8; ++version) {
    for (int mode = 0; mode < 8; ++mode) {
      const auto bytes =
          TimeServer{.version = version, .mode = mode}.answer(request(1), kNewYear, kNewYear);
      EXPECT_EQ(Reply::parse(bytes, reply), version == 4 && mode == 4) << version << ' ' << mode;
    }
  }
}

TEST(NtpMessage, BytesAfterTheHeaderAreIgnored) {
  auto bytes = TimeServer{}.answer(request(9), kNewYear, kNewYear);
  bytes.resize(bytes.size() + 20, std::byte{0xff});
  Reply reply;
  ASSERT_TRUE(Reply::parse(bytes, reply));
  EXPECT_EQ(reply.origin, 9u);
}

TEST(NtpMessage, APrecisionOutsideOfANanosecondToASecondIsLimited) {
  Reply reply;
  for (const auto& [exponent, expected] : {std::pair{127, seconds(1)},
                                           {0, seconds(1)},
                                           {-1, milliseconds(500)},
                                           {-29, nanoseconds(1)},
                                           {-128, nanoseconds(1)}}) {
    ASSERT_TRUE(Reply::parse(
        TimeServer{.precision = exponent}.answer(request(1), kNewYear, kNewYear), reply));
    EXPECT_EQ(reply.precision, expected) << exponent;
  }
}

}  // namespace
}  // namespace fata::sntp
