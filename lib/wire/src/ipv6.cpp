#include "fata/wire/ipv6.hpp"

namespace fata::wire::ipv6 {

IpAddress solicited_node(const IpAddress& address) {
  std::array<std::byte, 16> octets = IpAddress::of(0xff02, 0, 0, 0, 0, 1, 0xff00, 0).octets();
  copy_bytes(MutableBytes(octets).subspan(13), Bytes(address.octets()).subspan(13));
  return IpAddress(octets);
}

MacAddress group_mac(const IpAddress& group) {
  MacAddress mac;
  mac.octets[0] = mac.octets[1] = std::byte{0x33};
  copy_bytes(MutableBytes(mac.octets).subspan(2), Bytes(group.octets()).subspan(12));
  return mac;
}

std::optional<Header> Header::parse_quoted(Bytes packet) {
  ByteReader in(packet);
  const std::uint32_t first = in.u32();
  Header header;
  header.traffic_class = static_cast<std::uint8_t>(first >> 20);
  header.flow_label = first & 0xfffff;
  header.payload_length = in.u16();
  header.next_header = in.u8();
  header.hop_limit = in.u8();
  std::array<std::byte, 16> octets{};
  copy_bytes(octets, in.take(16));
  header.source = IpAddress(octets);
  copy_bytes(octets, in.take(16));
  header.destination = IpAddress(octets);
  if (!in.ok() || first >> 28 != 6) return std::nullopt;
  return header;
}

std::optional<Header> Header::parse(Bytes packet, std::size_t size) {
  [[clang::uninitialized]] const auto header = parse_quoted(packet);
  // A payload length of 0 would indicate a jumbogram (RFC 2675) or an empty packet; a header alone
  // is accepted.
  if (!header || header->payload_length > size - kHeaderSize) return std::nullopt;
  return header;
}

void Header::write(MutableBytes to) const {
  ByteWriter out(to);
  out.u32(std::uint32_t{6} << 28 | std::uint32_t{traffic_class} << 20 | flow_label);
  out.u16(payload_length);
  out.u8(next_header);
  out.u8(hop_limit);
  out.bytes(source.octets());
  out.bytes(destination.octets());
}

void FragmentHeader::write(MutableBytes to) const {
  ByteWriter out(to);
  out.u8(next_header);
  out.u8(0);
  out.u16(static_cast<std::uint16_t>(offset | (more ? 1 : 0)));
  out.u32(identification);
}

namespace {

// Checks the options of a hop-by-hop or destination options header, `at` bytes into the packet.
// False if the walk ends here.
bool walk_options(Bytes options, std::size_t at, unsigned& budget, Walk& walk) {
  while (!options.empty()) {
    const auto type = static_cast<std::uint8_t>(options[0]);
    if (type == 0) {  // Pad1
      options = options.subspan(1);
      at += 1;
      continue;
    }
    if (options.size() < 2 || budget-- == 0) return walk.end = Walk::End::kTruncated, false;
    const std::size_t length = static_cast<std::size_t>(options[1]) + 2;
    if (length > options.size()) return walk.end = Walk::End::kTruncated, false;
    const bool known = type == 1 || type == 5;  // PadN, router alert
    if (!known && type >> 6 != 0) {
      walk.end = type >> 6 == 1 ? Walk::End::kDropped : Walk::End::kProblem;
      walk.code = 2;
      walk.pointer = static_cast<std::uint32_t>(at);
      walk.even_to_groups = type >> 6 == 2;
      return false;
    }
    options = options.subspan(length);
    at += length;
  }
  return true;
}

Walk problem(Walk walk, std::uint8_t code, std::size_t pointer) {
  walk.end = Walk::End::kProblem;
  walk.code = code;
  walk.pointer = static_cast<std::uint32_t>(pointer);
  return walk;
}

}  // namespace

Walk walk_headers(Bytes packet, std::uint8_t next_header, std::size_t offset) {
  [[clang::uninitialized]] Walk walk;
  walk.next_header = next_header;
  walk.offset = offset;
  unsigned options = Walk::kMaxOptions;
  for (unsigned headers = 0; headers < Walk::kMaxHeaders; ++headers) {
    const std::uint8_t type = walk.next_header;
    if (type == kNoNextHeader) return walk.end = Walk::End::kNothing, walk;
    const bool known =
        type == kHopByHop || type == kRouting || type == kFragment || type == kDestinationOptions;
    if (!known) return walk.end = Walk::End::kUpper, walk;
    // Hop-by-hop options must be the first extension header (RFC 8200 section 4.3).
    if (type == kHopByHop && walk.offset != kHeaderSize)
      return problem(walk, 1, walk.next_header_at);
    if (packet.size() < walk.offset + 8) return walk.end = Walk::End::kTruncated, walk;
    const Bytes header = packet.subspan(walk.offset);
    if (type == kFragment) {
      const auto field = load_be<std::uint16_t>(header.subspan(2));
      walk.fragment = {static_cast<std::uint8_t>(header[0]),
                       static_cast<std::uint16_t>(field & 0xfff8), (field & 1) != 0,
                       load_be<std::uint32_t>(header.subspan(4))};
      if ((field & 0xfff9) != 0) {
        walk.fragment_at = walk.offset;
        walk.offset += kFragmentHeaderSize;
        return walk.end = Walk::End::kFragment, walk;
      }
      // An atomic fragment: it holds the whole packet (RFC 6946).
      walk.next_header_at = walk.offset;
      walk.next_header = walk.fragment.next_header;
      walk.offset += kFragmentHeaderSize;
      continue;
    }
    const std::size_t length = (static_cast<std::size_t>(header[1]) + 1) * 8;
    if (length > header.size()) return walk.end = Walk::End::kTruncated, walk;
    if (type == kRouting) {
      // A routing header with segments left is refused: this host is not a router, and every node
      // refuses type 0 (RFC 5095).
      if (header[3] != std::byte{0}) return problem(walk, 0, walk.offset + 2);
    } else if (!walk_options(header.subspan(2, length - 2), walk.offset + 2, options, walk)) {
      return walk;
    }
    walk.next_header_at = walk.offset;
    walk.next_header = static_cast<std::uint8_t>(header[0]);
    walk.offset += length;
  }
  return walk.end = Walk::End::kTruncated, walk;
}

}  // namespace fata::wire::ipv6
