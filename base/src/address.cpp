#include "fata/base/address.hpp"

namespace fata {

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view text) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == text.npos) return std::nullopt;
    const std::string_view octet = text.substr(0, dot);
    std::uint64_t n = 0;
    if ((octet.size() > 1 && octet[0] == '0') || !parse_unsigned(octet, 255, n))
      return std::nullopt;
    value = value << 8 | static_cast<std::uint32_t>(n);
    text.remove_prefix(i < 3 ? dot + 1 : dot);
  }
  return Ipv4Address{value};
}

std::optional<Ipv4Cidr> Ipv4Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = Ipv4Address::parse(text.substr(0, slash));
  std::uint64_t prefix = 0;
  if (!address || slash == text.npos || !parse_unsigned(text.substr(slash + 1), 32, prefix))
    return std::nullopt;
  return Ipv4Cidr{*address, static_cast<std::uint8_t>(prefix)};
}

IpAddress IpAddress::of_octets(Bytes octets) {
  if (octets.size() == 4) return Ipv4Address{load_be<std::uint32_t>(octets)};
  IpAddress address;
  if (octets.size() == 16) copy_bytes(address.octets_, octets);
  return address;
}

bool IpAddress::is_v4() const {
  const Bytes all(octets_);
  return load_be<std::uint64_t>(all) == 0 && load_be<std::uint32_t>(all.subspan(8)) == 0xffff;
}

bool IpAddress::is_any() const { return *this == IpAddress() || (is_v4() && v4().is_any()); }

bool IpAddress::is_loopback() const {
  return is_v4() ? v4().is_loopback() : *this == of(0, 0, 0, 0, 0, 0, 0, 1);
}

void write_text(TextWriter& out, const MacAddress& mac) {
  bool first = true;
  for (const std::byte octet : mac.octets) {
    if (!first) out.put(':');
    first = false;
    out.put_hex(std::to_integer<unsigned>(octet), 2);
  }
}

void write_text(TextWriter& out, Ipv4Address address) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.put_unsigned(address.value >> shift & 0xff);
    if (shift != 0) out.put('.');
  }
}

void write_text(TextWriter& out, const Ipv4Cidr& cidr) {
  print(out, cidr.address, '/', unsigned{cidr.prefix});
}

void write_text(TextWriter& out, const IpAddress& address) {
  if (address.is_v4()) return write_text(out, address.v4());
  if (const auto scope = address.scope()) return print(out, address.without_scope(), '%', *scope);
  // RFC 5952: the longest run of at least two zero groups, the first on a tie, becomes "::".
  std::array<std::uint16_t, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i)
    groups[i] = load_be<std::uint16_t>(Bytes(address.octets()).subspan(2 * i));
  std::size_t best = 8;
  std::size_t best_length = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t length = 0;
    while (i + length < 8 && groups[i + length] == 0) ++length;
    if (length > best_length) best = i, best_length = length;
  }
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      out.put("::");
      i += best_length - 1;
      continue;
    }
    if (i != 0 && i != best + best_length) out.put(':');
    out.put_hex(groups[i]);
  }
}

void write_text(TextWriter& out, const Endpoint& endpoint) {
  if (endpoint.address.is_v4()) return print(out, endpoint.address, ':', endpoint.port);
  print(out, '[', endpoint.address, "]:", endpoint.port);
}

}  // namespace fata
