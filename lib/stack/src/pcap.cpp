#include "fata/stack/pcap.hpp"

#include "fata/base/bytes.hpp"
#include "fata/wire/checksum.hpp"

namespace fata::stack::pcap {

namespace {
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint16_t kLinkEthernet = 1;
constexpr std::uint16_t kOptionEnd = 0;
constexpr std::uint16_t kOptionFlags = 2;
constexpr std::uint16_t kOptionTimeResolution = 9;

// ByteWriter writes network order; captures are little endian, like nearly every machine that reads
// them.
void u16(ByteWriter& out, std::uint16_t value) { out.u16(std::byteswap(value)); }
void u32(ByteWriter& out, std::uint32_t value) { out.u32(std::byteswap(value)); }
}  // namespace

std::size_t write_preamble(MutableBytes to) {
  ByteWriter out(to);
  u32(out, kSectionHeader);
  u32(out, 28);
  u32(out, 0x1a2b3c4d);  // marks the byte order
  u16(out, 1);           // version 1.0
  u16(out, 0);
  out.u64(~std::uint64_t{0});  // section length unknown: it ends with the file
  u32(out, 28);
  u32(out, kInterfaceDescription);
  u32(out, 32);
  u16(out, kLinkEthernet);
  u16(out, 0);
  u32(out, 0);  // no snap length: frames are never truncated
  u16(out, kOptionTimeResolution);
  u16(out, 1);
  out.u8(9);  // 10^-9 s
  out.zeros(3);
  u16(out, kOptionEnd);
  u16(out, 0);
  u32(out, 32);
  return out.position();
}

std::size_t write_packet(MutableBytes to, WallTime at, Direction direction, Bytes frame,
                         const Offload& offload) {
  const auto length = static_cast<std::uint32_t>(packet_size(frame.size()));
  const auto time = static_cast<std::uint64_t>(at.ns);
  ByteWriter out(to);
  u32(out, kEnhancedPacket);
  u32(out, length);
  u32(out, 0);  // the interface
  u32(out, static_cast<std::uint32_t>(time >> 32));
  u32(out, static_cast<std::uint32_t>(time));
  u32(out, static_cast<std::uint32_t>(frame.size()));
  u32(out, static_cast<std::uint32_t>(frame.size()));
  const MutableBytes copy = out.reserve(frame.size());
  if (out.ok()) {
    copy_bytes(copy, frame);
    wire::finish_checksum(copy, offload);
  }
  out.zeros((4 - frame.size() % 4) % 4);
  u16(out, kOptionFlags);
  u16(out, 4);
  u32(out, static_cast<std::uint32_t>(direction));
  u16(out, kOptionEnd);
  u16(out, 0);
  u32(out, length);
  return out.position();
}

}  // namespace fata::stack::pcap
