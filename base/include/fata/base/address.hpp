// Network addresses as values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "fata/base/bytes.hpp"
#include "fata/base/text.hpp"

namespace fata {

struct MacAddress {
  std::array<std::byte, 6> octets{};

  static constexpr MacAddress broadcast() {
    MacAddress mac;
    mac.octets.fill(std::byte{0xff});
    return mac;
  }
  bool is_multicast() const { return (octets[0] & std::byte{1}) != std::byte{0}; }
  friend constexpr bool operator==(const MacAddress& a, const MacAddress& b) {
    using Words = std::array<std::uint16_t, 3>;  // three words, so that no loop or call is emitted
    const Words x = std::bit_cast<Words>(a.octets), y = std::bit_cast<Words>(b.octets);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0;
  }
};

// An IPv4 address in host byte order: 192.0.2.1 is 0xc0000201.
struct Ipv4Address {
  std::uint32_t value = 0;

  static constexpr Ipv4Address of(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return {std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d};
  }
  // Accepts exactly a dotted quad, without leading zeros in an octet.
  static std::optional<Ipv4Address> parse(std::string_view text);
  bool is_any() const { return value == 0; }
  bool is_loopback() const { return value >> 24 == 127; }
  bool is_multicast() const { return value >> 28 == 0xe; }
  bool is_limited_broadcast() const { return value == 0xffffffff; }
  friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) = default;
};

// "192.0.2.1/24": an address and a prefix length.
struct Ipv4Cidr {
  Ipv4Address address;
  std::uint8_t prefix = 32;

  static std::optional<Ipv4Cidr> parse(std::string_view text);
  std::uint32_t mask() const { return prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix); }
  bool contains(Ipv4Address other) const { return ((other.value ^ address.value) & mask()) == 0; }
  Ipv4Address broadcast() const { return {address.value | ~mask()}; }
  friend bool operator==(const Ipv4Cidr&, const Ipv4Cidr&) = default;
};

// An IPv4 or IPv6 address in 16 bytes, in network order. An IPv4 address is stored as
// ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
class IpAddress {
 public:
  constexpr IpAddress() = default;       // ::, "any"
  constexpr IpAddress(Ipv4Address v4) {  // NOLINT: implicit by design
    octets_[10] = octets_[11] = std::byte{0xff};
    for (std::size_t i = 0; i < 4; ++i)
      octets_[12 + i] = static_cast<std::byte>(v4.value >> (24 - 8 * i));
  }
  explicit constexpr IpAddress(const std::array<std::byte, 16>& v6) : octets_(v6) {}

  // 2001:db8::1 is of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).
  static constexpr IpAddress of(std::uint16_t a, std::uint16_t b, std::uint16_t c, std::uint16_t d,
                                std::uint16_t e, std::uint16_t f, std::uint16_t g,
                                std::uint16_t h) {
    std::array<std::byte, 16> octets{};
    const std::array<std::uint16_t, 8> groups{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 16; ++i)
      octets[i] = static_cast<std::byte>(groups[i / 2] >> (i % 2 == 0 ? 8 : 0));
    return IpAddress(octets);
  }
  // Of 4 octets or of 16, in network order; :: for any other number.
  static IpAddress of_octets(Bytes octets);
  // An address of either family. A link-local address may have a zone, the number of an interface
  // from 0 to 65534: "fe80::1%2" (RFC 4007 section 11).
  static std::optional<IpAddress> parse(std::string_view text);
  // Accepts the forms of RFC 4291 section 2.2 without a zone. Rejects IPv4 addresses, even in the
  // form ::ffff:192.0.2.1.
  static std::optional<IpAddress> parse_v6(std::string_view text);

  bool is_v4() const;
  // 0.0.0.0 or ::
  bool is_any() const;
  // Handles both families.
  bool is_multicast() const {
    return is_v4() ? v4().is_multicast() : octets_[0] == std::byte{0xff};
  }
  bool is_loopback() const;
  // fe80::/10; false for every IPv4 address.
  bool is_link_local() const {
    return octets_[0] == std::byte{0xfe} && (octets_[1] & std::byte{0xc0}) == std::byte{0x80};
  }
  // True for the addresses that may have a zone: fe80::/10 and ff02::/16.
  bool is_of_link() const {
    return is_link_local() || (octets_[0] == std::byte{0xff} && octets_[1] == std::byte{2});
  }
  // The zone. It is kept in octets 4 to 7, which are zero in such addresses (RFC 4291 section
  // 2.5.6), as a number and its complement: so equality covers it, and the sum of a pseudo-header
  // does not change. An address that goes into a packet must have none.
  std::optional<std::uint16_t> scope() const {
    const Bytes at = Bytes(octets_).subspan<4>();
    const auto number = load_be<std::uint16_t>(at);
    if (!is_of_link() || load_be<std::uint16_t>(at.subspan(2)) != (number ^ 0xffff))
      return std::nullopt;
    return number;
  }
  // Unchanged unless is_of_link().
  IpAddress with_scope(std::uint16_t interface) const;
  IpAddress without_scope() const;
  // The length of the common prefix in bits, up to 128.
  unsigned common_bits(const IpAddress& other) const;
  // Meaningful only if is_v4() is true.
  Ipv4Address v4() const { return {load_be<std::uint32_t>(Bytes(octets_).subspan<12>())}; }
  const std::array<std::byte, 16>& octets() const { return octets_; }
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    using Halves = std::array<std::uint64_t, 2>;  // two words, so that no loop or call is emitted
    const Halves x = std::bit_cast<Halves>(a.octets_), y = std::bit_cast<Halves>(b.octets_);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }

 private:
  std::array<std::byte, 16> octets_{};
};

// "2001:db8::1/64".
struct Ipv6Cidr {
  IpAddress address;
  std::uint8_t prefix = 128;

  static std::optional<Ipv6Cidr> parse(std::string_view text);
  bool contains(const IpAddress& other) const { return address.common_bits(other) >= prefix; }
  friend bool operator==(const Ipv6Cidr&, const Ipv6Cidr&) = default;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;  // host order
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

void write_text(TextWriter& out, const MacAddress& mac);     // 52:54:00:12:34:56
void write_text(TextWriter& out, Ipv4Address address);       // 192.0.2.1
void write_text(TextWriter& out, const Ipv4Cidr& cidr);      // 192.0.2.1/24
void write_text(TextWriter& out, const IpAddress& address);  // RFC 5952, fe80::1%2
void write_text(TextWriter& out, const Ipv6Cidr& cidr);      // 2001:db8::1/64
void write_text(TextWriter& out, const Endpoint& endpoint);  // 192.0.2.1:53, [2001:db8::1]:53

}  // namespace fata
