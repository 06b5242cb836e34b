#include "fata/wire/nd.hpp"

namespace fata::wire::nd {

std::optional<Option> Options::next() {
  if (rest_.size() < 8) return std::nullopt;
  const std::size_t length = static_cast<std::size_t>(rest_[1]) * 8;
  if (length == 0 || length > rest_.size()) return std::nullopt;
  const Option option{static_cast<std::uint8_t>(rest_[0]), rest_.subspan(2, length - 2)};
  rest_ = rest_.subspan(length);
  return option;
}

bool Options::valid(Bytes bytes) {
  Options options(bytes);
  while (options.next()) {
  }
  return options.rest_.empty();
}

std::optional<MacAddress> Options::link_address(Bytes bytes, std::uint8_t type) {
  Options options(bytes);
  while (const auto option = options.next()) {
    if (option->type != type || option->body.size() != 6) continue;
    MacAddress mac;
    copy_bytes(mac.octets, option->body);
    // A station's address is neither multicast nor zero.
    if (mac.is_multicast() || mac == MacAddress{}) return std::nullopt;
    return mac;
  }
  return std::nullopt;
}

std::optional<NeighbourMessage> NeighbourMessage::parse(Bytes bytes) {
  if (bytes.size() < 24 || bytes[1] != std::byte{0}) return std::nullopt;
  const Bytes options = bytes.subspan(24);
  if (!Options::valid(options)) return std::nullopt;
  NeighbourMessage message;
  message.type = static_cast<std::uint8_t>(bytes[0]);
  const auto flags = static_cast<std::uint8_t>(bytes[4]);
  message.router = (flags & 0x80) != 0;
  message.solicited = (flags & 0x40) != 0;
  message.override_known = (flags & 0x20) != 0;
  std::array<std::byte, 16> octets{};
  copy_bytes(octets, bytes.subspan(8, 16));
  message.target = IpAddress(octets);
  message.link_address = Options::link_address(
      options, message.type == kNeighbourSolicitation ? kSourceLink : kTargetLink);
  Options each(options);
  while (const auto option = each.next()) {
    if (option->type != kNonce || option->body.size() != 6) continue;
    message.nonce = std::uint64_t{load_be<std::uint16_t>(option->body)} << 32 |
                    load_be<std::uint32_t>(option->body.subspan(2));
  }
  return message;
}

std::size_t NeighbourMessage::write(MutableBytes to) const {
  ByteWriter out(to);
  out.u8(type);
  out.u8(0);
  out.u16(0);
  out.u32(std::uint32_t{router} << 31 | std::uint32_t{solicited} << 30 |
          std::uint32_t{override_known} << 29);
  out.bytes(target.octets());
  if (link_address) {
    out.u8(type == kNeighbourSolicitation ? kSourceLink : kTargetLink);
    out.u8(1);
    out.bytes(link_address->octets);
  }
  if (nonce) {
    out.u8(kNonce);
    out.u8(1);
    out.u16(static_cast<std::uint16_t>(*nonce >> 32));
    out.u32(static_cast<std::uint32_t>(*nonce));
  }
  return out.position();
}

}  // namespace fata::wire::nd
