#include "fata/wire/udp.hpp"

#include "fata/wire/checksum.hpp"

namespace fata::wire::udp {

std::expected<Header, Malformed> Header::parse(Bytes payload, const IpAddress& source,
                                               const IpAddress& destination,
                                               const Offload& offload) {
  ByteReader in(payload);
  Header header{in.u16(), in.u16(), in.u16()};
  const std::uint16_t sum = in.u16();
  if (!in.ok()) return std::unexpected(Malformed::kTruncated);
  if (header.length < kHeaderSize || header.length > payload.size())
    return std::unexpected(Malformed::kLength);
  if (offload.checksum_valid || offload.checksum_needed) return header;
  if (sum == 0) {
    if (!source.is_v4()) return std::unexpected(Malformed::kChecksum);
    return header;
  }
  ChecksumSum check;
  check.add_pseudo(source, destination, kProtocol, header.length);
  check.add(payload.first(header.length));
  if (check.finish() != 0) return std::unexpected(Malformed::kChecksum);
  return header;
}

void prepend_header(PacketBuf& payload, std::uint16_t source_port, std::uint16_t destination_port,
                    const IpAddress& source, const IpAddress& destination, bool offload) {
  const auto length = static_cast<std::uint16_t>(payload.total_size() + kHeaderSize);
  const MutableBytes at = payload.prepend(kHeaderSize);
  store_be(at, source_port);
  store_be(at.subspan(2), destination_port);
  store_be(at.subspan(4), length);
  store_be(at.subspan(6), std::uint16_t{0});
  ChecksumSum sum;
  sum.add_pseudo(source, destination, kProtocol, length);
  if (offload) {
    store_be(at.subspan(6), sum.partial());
    payload.offload() = {};
    payload.offload().checksum_needed = true;
    payload.offload().checksum_start = 0;
    payload.offload().checksum_offset = 6;
    return;
  }
  sum.add(payload.bytes());
  if (!payload.chain().empty()) [[unlikely]]
    sum.add_pieces(payload.size(), payload.chain());
  const std::uint16_t finished = sum.finish();
  // 0 would mean "no checksum".
  store_be(at.subspan(6), finished == 0 ? std::uint16_t{0xffff} : finished);
}

}  // namespace fata::wire::udp
