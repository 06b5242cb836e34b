#include "special.hpp"

namespace fata::resolver {

using dns::Type;
using sig::NameErrc;

namespace {

constexpr std::uint32_t kFixedTtl = 86400;

// The last label before the root, as text; the octets of a lower-case name are text.
Bytes last_label(Bytes name) {
  if (name[0] == std::byte{0}) return {};
  while (dns::parent_of(name)[0] != std::byte{0}) name = dns::parent_of(name);
  return name.subspan(1, static_cast<std::size_t>(name[0]));
}

bool is_text(Bytes label, std::string_view text) {
  return equal_bytes(label, std::as_bytes(std::span(text)));
}

constexpr IpAddress kLoopback = IpAddress::of(0, 0, 0, 0, 0, 0, 0, 1);

}  // namespace

bool ends_in_number(const dns::Name& name) {
  const Bytes label = last_label(name.wire());
  if (label.empty()) return false;
  for (const std::byte each : label) {
    if (each < std::byte{'0'} || each > std::byte{'9'}) return false;
  }
  return true;
}

void fill_address(Part& part, const IpAddress& address) {
  part.done = true;
  part.records = {};
  part.error = std::nullopt;
  if (part.type == Type::kA && address.is_v4()) {
    part.records.add(Bytes(address.octets()).last<4>());
  } else if (part.type == Type::kAaaa && !address.is_v4()) {
    part.records.add(address.octets());
  } else {
    part.error = Error(NameErrc::kNoData);
  }
  part.records.ttl = kFixedTtl;
}

bool resolve_special(const dns::LowerName& name, Part& part) {
  const Bytes label = last_label(name.wire());
  if (is_text(label, "localhost")) {
    const bool v4 = part.type == Type::kA;
    fill_address(part, v4 ? IpAddress(Ipv4Address::of(127, 0, 0, 1)) : kLoopback);
    return true;
  }
  if (!is_text(label, "invalid") && !is_text(label, "onion")) return false;
  part.done = true;
  part.error = Error(NameErrc::kNotFound);
  return true;
}

}  // namespace fata::resolver
