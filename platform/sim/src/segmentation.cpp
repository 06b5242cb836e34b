// The offloads of a NIC: finishes checksums, and splits a TCP packet of many segments into the
// frames for the wire.
#include "fata/sim/net_device.hpp"

namespace fata::sim {

namespace {
constexpr std::size_t kEthernetHeader = 14;
constexpr std::uint8_t kFin = 0x01, kPsh = 0x08, kCwr = 0x80, kTcp = 6;

// The Internet checksum (RFC 1071) of the bytes and of what has been summed before.
std::uint16_t sum_of(Bytes bytes, std::uint32_t sum) {
  std::uint64_t wide = sum;
  for (; bytes.size() >= 4; bytes = bytes.subspan(4)) wide += load_be<std::uint32_t>(bytes);
  std::array<std::byte, 4> rest{};
  copy_bytes(rest, bytes);
  wide += load_be<std::uint32_t>(rest);
  while (wide >> 16 != 0) wide = (wide & 0xffff) + (wide >> 16);
  return static_cast<std::uint16_t>(~wide);
}

void finish(MutableBytes frame, std::size_t tcp_at, bool v4, std::size_t index) {
  const bool tagged = load_be<std::uint16_t>(frame.subspan(12)) == 0x8100;  // IEEE 802.1Q
  const std::size_t ip_at = kEthernetHeader + (tagged ? 4 : 0);
  const MutableBytes ip = frame.subspan(ip_at);
  const MutableBytes tcp = frame.subspan(tcp_at);
  if (v4) {
    store_be(ip.subspan(2), static_cast<std::uint16_t>(ip.size()));
    const auto identification = load_be<std::uint16_t>(ip.subspan(4));
    store_be(ip.subspan(4), static_cast<std::uint16_t>(identification + index));
    store_be(ip.subspan(10), std::uint16_t{0});
    store_be(ip.subspan(10), sum_of(ip.first(tcp_at - ip_at), 0));
  } else {
    store_be(ip.subspan(4), static_cast<std::uint16_t>(ip.size() - 40));
  }
  const Bytes addresses = v4 ? ip.subspan(12, 8) : ip.subspan(8, 32);
  const auto pseudo = static_cast<std::uint16_t>(~sum_of(addresses, 0));
  store_be(tcp.subspan(16), std::uint16_t{0});
  store_be(tcp.subspan(16),
           sum_of(tcp, std::uint32_t{pseudo} + kTcp + static_cast<std::uint32_t>(tcp.size())));
}
}  // namespace

void finish_checksum(WireFrame& frame) {
  if (!frame.offload.checksum_needed) return;
  const std::size_t start = frame.offload.checksum_start;
  const std::size_t field = start + frame.offload.checksum_offset;
  check(field + 2 <= frame.bytes.size(), "the checksum lies outside of the frame");
  const std::uint16_t finished = sum_of(Bytes(frame.bytes).subspan(start), 0);
  store_be(MutableBytes(frame.bytes).subspan(field),
           finished == 0 ? std::uint16_t{0xffff} : finished);
  frame.offload = {};
}

std::vector<WireFrame> cut(const WireFrame& whole) {
  const Offload& how = whole.offload;
  const std::size_t header = how.header_length, tcp_at = how.checksum_start;
  check(how.checksum_needed && how.gso_size != 0 && tcp_at + 20 <= header &&
            header < whole.bytes.size(),
        "a packet to cut says where its headers end");
  const Bytes payload = Bytes(whole.bytes).subspan(header);
  std::vector<WireFrame> segments;
  for (std::size_t at = 0; at < payload.size(); at += how.gso_size) {
    const Bytes part =
        payload.subspan(at, std::min<std::size_t>(how.gso_size, payload.size() - at));
    WireFrame& made = segments.emplace_back();
    made.bytes.assign(whole.bytes.begin(),
                      whole.bytes.begin() + static_cast<std::ptrdiff_t>(header));
    made.bytes.insert(made.bytes.end(), part.begin(), part.end());
    const MutableBytes tcp = MutableBytes(made.bytes).subspan(tcp_at);
    store_be(tcp.subspan(4),
             load_be<std::uint32_t>(tcp.subspan(4)) + static_cast<std::uint32_t>(at));
    auto flags = load_be<std::uint8_t>(tcp.subspan(13));
    if (at + part.size() != payload.size()) flags &= static_cast<std::uint8_t>(~(kFin | kPsh));
    if (at != 0) flags &= static_cast<std::uint8_t>(~kCwr);
    store_be(tcp.subspan(13), flags);
    finish(made.bytes, tcp_at, how.gso == Offload::Gso::kTcpV4, segments.size() - 1);
  }
  return segments;
}

}  // namespace fata::sim
