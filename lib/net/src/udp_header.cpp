#include "fata/net/udp_header.hpp"

#include "fata/net/checksum.hpp"

namespace fata::net::udp {

std::expected<Header, Malformed> Header::parse(Bytes payload, const ipv4::Header& ip, const Offload& offload) {
  ByteReader in(payload);
  Header header{in.u16(), in.u16(), in.u16()};
  const std::uint16_t sum = in.u16();
  if (!in.ok()) return std::unexpected(Malformed::kTruncated);
  if (header.length < kHeaderSize || header.length > payload.size()) return std::unexpected(Malformed::kLength);
  if (sum != 0 && !offload.checksum_valid && !offload.checksum_needed) {
    ChecksumSum check;
    check.add_pseudo(ip.source, ip.destination, ipv4::kUdp, header.length);
    check.add(payload.first(header.length));
    if (check.finish() != 0) return std::unexpected(Malformed::kChecksum);
  }
  return header;
}

void prepend_header(PacketBuf& payload, std::uint16_t source_port, std::uint16_t destination_port, Ipv4Address source,
                    Ipv4Address destination, bool offload) {
  const auto length = static_cast<std::uint16_t>(payload.size() + kHeaderSize);
  const MutableBytes at = payload.prepend(kHeaderSize);
  store_be(at, source_port);
  store_be(at.subspan(2), destination_port);
  store_be(at.subspan(4), length);
  store_be(at.subspan(6), std::uint16_t{0});
  ChecksumSum sum;
  sum.add_pseudo(source, destination, ipv4::kUdp, length);
  if (offload) {
    store_be(at.subspan(6), sum.partial());
    payload.offload() = {};
    payload.offload().checksum_needed = true;
    payload.offload().checksum_start = 0;
    payload.offload().checksum_offset = 6;
    return;
  }
  sum.add(payload.bytes());
  const std::uint16_t finished = sum.finish();
  store_be(at.subspan(6), finished == 0 ? std::uint16_t{0xffff} : finished);  // 0 would mean "no checksum"
}

}  // namespace fata::net::udp
