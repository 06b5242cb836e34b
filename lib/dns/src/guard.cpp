#include "fata/dns/guard.hpp"

#include <algorithm>

#include "fata/base/text.hpp"

namespace fata::dns {

[[clang::minsize]] bool parse_parameter(std::string_view text, RateLimit& out) {
  if (text == "off") {
    out.per_second = 0;
    return true;
  }
  std::uint64_t rate = 0;
  if (!parse_unsigned(text, RateLimit::kMax, rate) || rate == 0) return false;
  out.per_second = static_cast<std::uint32_t>(rate);
  return true;
}
std::string_view parameter_expects(const RateLimit&) { return "a number from 1 to 100000, or off"; }

RateLimiter::RateLimiter(RateLimit rate, std::span<const std::byte, 16> secret)
    // Rounded up to an even number.
    : cost_(((1'000'000'000 + rate.per_second - 1) / rate.per_second + 1) & ~kSlipBit),
      credit_(cost_ * rate.per_second | kSlipBit),
      last_(credit_ - cost_),
      table_(std::make_unique<Table>()) {
  set_secret(secret);
}

void RateLimiter::set_secret(std::span<const std::byte, 16> secret) {
  // An even factor would lose a bit of the prefix.
  key_ = {load_le<std::uint64_t>(secret), load_le<std::uint64_t>(secret.subspan<8>()) | 1};
}

bool Prefixes::contains(const IpAddress& address) const {
  const auto prefixes = std::span(prefixes_).first(count_);
  return std::ranges::any_of(prefixes, [&](const Prefix& prefix) {
    // In memory, IPv4 addresses lie in ::/64, but a configured prefix must not match the other
    // family.
    return prefix.address.common_bits(address) >= prefix.bits &&
           prefix.address.is_v4() == address.is_v4();
  });
}

namespace {
// True if the bits after the prefix are zero.
bool ends_with_zeros(const IpAddress& address, std::size_t bits) {
  for (std::size_t i = bits; i < 128; ++i) {
    if ((address.octets()[i / 8] & std::byte{0x80} >> i % 8) != std::byte{0}) return false;
  }
  return true;
}
}  // namespace

[[clang::minsize]] bool parse_parameter(std::string_view text, Prefixes& out) {
  Prefixes list;
  for (;;) {
    [[clang::uninitialized]] const std::string_view item = text.substr(0, text.find(','));
    const std::size_t slash = std::min(item.find('/'), item.size());
    const auto v4 = Ipv4Address::parse(item.substr(0, slash));
    [[clang::uninitialized]] const auto address =
        v4 ? IpAddress(*v4) : IpAddress::parse_v6(item.substr(0, slash));
    const std::uint64_t before = v4 ? 96 : 0;  // IPv4 addresses begin as ::ffff:0:0/96 does
    std::uint64_t bits = 128 - before;
    if (!address || list.count_ == Prefixes::kMax) return false;
    if (slash != item.size() && !parse_unsigned(item.substr(slash + 1), 128 - before, bits))
      return false;
    if (!ends_with_zeros(*address, before + bits)) return false;
    list.prefixes_[list.count_++] = {*address, static_cast<std::uint8_t>(before + bits)};
    if (item.size() == text.size()) break;
    text.remove_prefix(item.size() + 1);
  }
  out = list;
  return true;
}
std::string_view parameter_expects(const Prefixes&) {
  return "up to 32 addresses and prefixes such as 192.0.2.1,10.0.0.0/8,2001:db8::/32, whose bits "
         "behind the prefix are 0";
}

Guard::Guard(RateLimit rate, const Prefixes& exempt, std::span<const std::byte, kSeedSize> seed,
             void* clock, Wall wall)
    : clock_(clock), wall_(wall), cookies_(seed.first<16>()), exempt_(exempt) {
  if (rate.per_second != 0) limiter_.emplace(rate, seed.last<16>());
}

void Guard::renew(std::span<const std::byte, kSeedSize> seed) {
  cookies_.replace(seed.first<16>());
  if (limiter_) limiter_->set_secret(seed.last<16>());
}

}  // namespace fata::dns
