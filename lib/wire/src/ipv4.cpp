#include "fata/wire/ipv4.hpp"

#include "fata/wire/checksum.hpp"

namespace fata::wire::ipv4 {

namespace {
std::expected<Header, Malformed> read(Bytes packet) {
  ByteReader in(packet);
  const std::uint8_t version_length = in.u8();
  Header header;
  header.tos = in.u8();
  header.total_length = in.u16();
  header.identification = in.u16();
  const std::uint16_t flags = in.u16();
  header.ttl = in.u8();
  header.protocol = in.u8();
  in.skip(2);
  header.source.value = in.u32();
  header.destination.value = in.u32();
  if (!in.ok()) return std::unexpected(Malformed::kTruncated);
  if (version_length >> 4 != 4) return std::unexpected(Malformed::kVersion);
  header.header_length = static_cast<std::uint16_t>((version_length & 0xf) * 4);
  if (header.header_length < kHeaderSize || header.header_length > packet.size()) {
    return std::unexpected(Malformed::kHeaderLength);
  }
  header.dont_fragment = (flags & 0x4000) != 0;
  header.more_fragments = (flags & 0x2000) != 0;
  header.fragment_offset = static_cast<std::uint16_t>((flags & 0x1fff) * 8);
  return header;
}
}  // namespace

std::expected<Header, Malformed> Header::parse(Bytes packet, std::size_t size) {
  const auto header = read(packet);
  if (!header) return header;
  if (header->total_length < header->header_length || header->total_length > size) {
    return std::unexpected(Malformed::kTotalLength);
  }
  if (checksum(packet.first(header->header_length)) != 0)
    return std::unexpected(Malformed::kChecksum);
  return header;
}

std::expected<Header, Malformed> Header::parse_quoted(Bytes packet) { return read(packet); }

void Header::write(MutableBytes to) const {
  ByteWriter out(to);
  out.u8(0x45);
  out.u8(tos);
  out.u16(total_length);
  out.u16(identification);
  out.u16(static_cast<std::uint16_t>((dont_fragment ? 0x4000 : 0) | (more_fragments ? 0x2000 : 0) |
                                     fragment_offset / 8));
  out.u8(ttl);
  out.u8(protocol);
  out.u16(0);
  out.u32(source.value);
  out.u32(destination.value);
  out.patch_u16(10, checksum(out.written()));
}

}  // namespace fata::wire::ipv4
