// Server cookies: the known answers of RFC 9018 appendix A, and a cookie's lifetime.
#include "fata/dns/cookie.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace fata::dns {
namespace {

std::vector<std::byte> from_hex(std::string_view digits) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::byte> octets;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    octets.push_back(static_cast<std::byte>(value(digits[i]) * 16 + value(digits[i + 1])));
  }
  return octets;
}
std::string to_hex(Bytes octets) {
  std::string digits;
  for (const std::byte octet : octets) {
    for (const unsigned half :
         {std::to_integer<unsigned>(octet) >> 4, std::to_integer<unsigned>(octet) & 15})
      digits += "0123456789abcdef"[half];
  }
  return digits;
}
std::array<std::byte, 16> secret(std::string_view digits) {
  std::array<std::byte, 16> octets{};
  copy_bytes(octets, from_hex(digits));
  return octets;
}
IpAddress address(std::string_view text) {
  if (const auto v4 = Ipv4Address::parse(text)) return *v4;
  return IpAddress::parse_v6(text).value();
}

struct Checked {
  bool valid;
  std::string reply;
};
Checked check(const ServerCookies& cookies, std::string_view sent, std::string_view client,
              std::uint32_t now) {
  Cookie reply;
  const bool valid = cookies.check(from_hex(sent), address(client), now, reply);
  return {valid, to_hex(reply)};
}

constexpr std::string_view kSecret = "e5e973e5a6b2a43f48e7dc849e37bfcf";

TEST(ServerCookies, AreThoseOfRfc9018) {
  const ServerCookies cookies(secret(kSecret));
  const Checked learnt = check(cookies, "2464c4abcf10c957", "198.51.100.100", 1559731985);
  EXPECT_FALSE(learnt.valid) << "a client's cookie alone shows nothing";
  EXPECT_EQ(learnt.reply, "2464c4abcf10c957010000005cf79f111f8130c3eee29480");

  const Checked renewed = check(cookies, learnt.reply, "198.51.100.100", 1559734385);
  EXPECT_TRUE(renewed.valid);
  EXPECT_EQ(renewed.reply, "2464c4abcf10c957010000005cf7a871d4a564a1442aca77");

  // Its reserved octets are not zero and are covered by the hash.
  constexpr std::string_view kOther = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";
  EXPECT_TRUE(check(cookies, kOther, "203.0.113.203", 1559727985).valid);
  const Checked expired = check(cookies, kOther, "203.0.113.203", 1559734700);
  EXPECT_FALSE(expired.valid);
  EXPECT_EQ(expired.reply, "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
}

TEST(ServerCookies, OfTheSecretBeforeAreValidUntilTheNextIsReplaced) {
  ServerCookies cookies(secret("dd3bdf9344b678b185a6f5cb60fca715"));
  constexpr std::string_view kClient = "2001:db8:220:1:59de:d0f4:8769:82b8";
  constexpr std::string_view kOld = "22681ab97d52c298010000005cf7c57926556bd0934c72f8";
  EXPECT_EQ(check(cookies, kOld, kClient, 1559741961).reply, kOld);
  cookies.renew(secret("445536bcd2513298075a5d379663c962"));
  const Checked renewed = check(cookies, kOld, kClient, 1559741961);
  EXPECT_TRUE(renewed.valid);
  EXPECT_EQ(renewed.reply, "22681ab97d52c298010000005cf7c609a6bb79d16625507a");
  EXPECT_EQ(check(cookies, renewed.reply, kClient, 1559741961).reply, renewed.reply);
  cookies.renew(secret(kSecret));
  EXPECT_FALSE(check(cookies, kOld, kClient, 1559741961).valid);
  EXPECT_TRUE(check(cookies, renewed.reply, kClient, 1559741961).valid);
  cookies.replace(secret("000102030405060708090a0b0c0d0e0f"));
  EXPECT_FALSE(check(cookies, renewed.reply, kClient, 1559741961).valid);
}

TEST(ServerCookies, AreValidForAnHourAndRenewedAfterHalf) {
  const ServerCookies cookies(secret(kSecret));
  // Includes times at which 32 bits wrap around.
  for (const std::uint32_t made :
       {std::uint32_t{1559731985}, ~std::uint32_t{0} - 100, std::uint32_t{10}}) {
    const std::string cookie = check(cookies, "0011223344556677", "192.0.2.1", made).reply;
    const struct {
      std::uint32_t age;
      bool valid, kept;
    } cases[] = {{0, true, true},       {1800, true, true},         {1801, true, false},
                 {3600, true, false},   {3601, false, false},       {~299U, true, true},
                 {~300U, false, false}, {0x80000000, false, false}, {0x7fffffff, false, false}};
    for (const auto& expected : cases) {
      const Checked got = check(cookies, cookie, "192.0.2.1", made + expected.age);
      EXPECT_EQ(got.valid, expected.valid) << static_cast<std::int32_t>(expected.age);
      EXPECT_EQ(got.reply == cookie, expected.kept) << static_cast<std::int32_t>(expected.age);
    }
  }
}

TEST(ServerCookies, OfOthersAreNotValid) {
  const ServerCookies cookies(secret(kSecret));
  const std::uint32_t now = 1559731985;
  const std::string cookie = check(cookies, "2464c4abcf10c957", "198.51.100.100", now).reply;
  EXPECT_TRUE(check(cookies, cookie, "198.51.100.100", now).valid);
  EXPECT_FALSE(check(cookies, cookie, "198.51.100.101", now).valid);
  EXPECT_FALSE(check(cookies, cookie, "2001:db8::1", now).valid);
  // Each octet matters; so does the length.
  for (std::size_t i = 0; i < cookie.size(); i += 2) {
    std::string other = cookie;
    other[i] = other[i] == '0' ? '1' : '0';
    EXPECT_FALSE(check(cookies, other, "198.51.100.100", now).valid) << i;
  }
  for (std::size_t octets : {16, 23, 25, 40}) {
    std::string other = cookie + std::string(32, '0');
    EXPECT_FALSE(check(cookies, other.substr(0, 2 * octets), "198.51.100.100", now).valid)
        << octets;
  }
}

TEST(ServerCookies, HaveTheLengthsOfRfc7873) {
  for (std::size_t octets = 0; octets < 60; ++octets) {
    EXPECT_EQ(valid_cookie_size(octets), octets == 8 || (octets >= 16 && octets <= 40)) << octets;
  }
}

}  // namespace
}  // namespace fata::dns
