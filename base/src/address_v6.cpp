// Separate from the IPv4 text functions, so that an image without IPv6 does not link these.
#include <bit>

#include "fata/base/address.hpp"

namespace fata {
namespace {

// Parses one to four hexadecimal digits.
bool parse_group(std::string_view text, std::uint16_t& group) {
  if (text.empty() || text.size() > 4) return false;
  unsigned value = 0;
  for (const char c : text) {
    const unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                           : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A' + 10)
                                                  : 16;
    if (digit == 16) return false;
    value = value << 4 | digit;
  }
  group = static_cast<std::uint16_t>(value);
  return true;
}

// Parses the groups on one side of "::", or all of them if there is none. With `at_end`, an IPv4
// address may replace the last two. Returns the number of groups, or 9 if the text is malformed.
std::size_t parse_groups(std::string_view text, bool at_end, std::span<std::uint16_t, 8> groups) {
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view word = text.substr(0, colon);
    if (colon == text.npos && at_end && word.contains('.')) {
      const auto v4 = Ipv4Address::parse(word);
      if (!v4 || count > 6) return 9;
      groups[count++] = static_cast<std::uint16_t>(v4->value >> 16);
      groups[count++] = static_cast<std::uint16_t>(v4->value);
      return count;
    }
    if (count == 8 || !parse_group(word, groups[count++])) return 9;
    if (colon == text.npos) return count;
    text.remove_prefix(colon + 1);
    if (text.empty()) return 9;
  }
  return count;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (const auto v4 = Ipv4Address::parse(text)) return IpAddress(*v4);
  const std::size_t mark = text.find('%');
  const auto address = parse_v6(text.substr(0, mark));
  // Its bits would look like a zone.
  if (!address || address->scope()) return std::nullopt;
  if (mark == text.npos) return address;
  std::uint64_t interface = 0;
  if (!address->is_of_link() || !parse_unsigned(text.substr(mark + 1), 65534, interface))
    return std::nullopt;
  return address->with_scope(static_cast<std::uint16_t>(interface));
}

std::optional<IpAddress> IpAddress::parse_v6(std::string_view text) {
  const std::size_t gap = text.find("::");
  std::array<std::uint16_t, 8> front{}, back{};
  const std::size_t before = parse_groups(text.substr(0, gap), gap == text.npos, front);
  std::size_t after = 0;
  if (gap == text.npos) {
    if (before != 8) return std::nullopt;
  } else {
    after = parse_groups(text.substr(gap + 2), true, back);
    if (before + after > 7) return std::nullopt;
  }
  std::array<std::byte, 16> octets{};
  const MutableBytes all(octets);
  for (std::size_t i = 0; i < before; ++i) store_be(all.subspan(2 * i), front[i]);
  for (std::size_t i = 0; i < after; ++i) store_be(all.subspan(2 * (8 - after + i)), back[i]);
  const IpAddress address(octets);
  if (address.is_v4()) return std::nullopt;
  return address;
}

std::optional<Ipv6Cidr> Ipv6Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse_v6(text.substr(0, slash));
  std::uint64_t prefix = 0;
  if (!address || slash == text.npos || !parse_unsigned(text.substr(slash + 1), 128, prefix))
    return std::nullopt;
  return Ipv6Cidr{*address, static_cast<std::uint8_t>(prefix)};
}

IpAddress IpAddress::with_scope(std::uint16_t interface) const {
  IpAddress scoped = *this;
  if (!is_of_link()) return scoped;
  const MutableBytes at = MutableBytes(scoped.octets_).subspan<4>();
  store_be(at, interface);
  store_be(at.subspan(2), static_cast<std::uint16_t>(interface ^ 0xffff));
  return scoped;
}

IpAddress IpAddress::without_scope() const {
  IpAddress bare = *this;
  if (scope()) store_be(MutableBytes(bare.octets_).subspan<4>(), std::uint32_t{0});
  return bare;
}

unsigned IpAddress::common_bits(const IpAddress& other) const {
  const Bytes a(octets_), b(other.octets_);
  const std::uint64_t high = load_be<std::uint64_t>(a) ^ load_be<std::uint64_t>(b);
  if (high != 0) return static_cast<unsigned>(std::countl_zero(high));
  const std::uint64_t low =
      load_be<std::uint64_t>(a.subspan(8)) ^ load_be<std::uint64_t>(b.subspan(8));
  return 64 + static_cast<unsigned>(std::countl_zero(low));
}

void write_text(TextWriter& out, const Ipv6Cidr& cidr) {
  print(out, cidr.address, '/', unsigned{cidr.prefix});
}

}  // namespace fata
