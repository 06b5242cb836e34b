#include "fata/net/pcap.hpp"

#include "fata/base/bytes.hpp"
#include "fata/net/checksum.hpp"

namespace fata::net::pcap {

namespace {
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint16_t kLinkEthernet = 1;
constexpr std::uint16_t kOptionEnd = 0;
constexpr std::uint16_t kOptionFlags = 2;
constexpr std::uint16_t kOptionTimeResolution = 9;
}  // namespace

std::size_t write_preamble(MutableBytes to) {
  ByteWriter out(to);
  out.u32(kSectionHeader);
  out.u32(28);
  out.u32(0x1a2b3c4d);  // tells the byte order
  out.u16(1);           // version 1.0
  out.u16(0);
  out.u64(~std::uint64_t{0});  // the section ends with the file
  out.u32(28);
  out.u32(kInterfaceDescription);
  out.u32(32);
  out.u16(kLinkEthernet);
  out.u16(0);
  out.u32(0);  // frames are never cut
  out.u16(kOptionTimeResolution);
  out.u16(1);
  out.u8(9);  // 10^-9 s
  out.zeros(3);
  out.u16(kOptionEnd);
  out.u16(0);
  out.u32(32);
  return out.position();
}

std::size_t write_packet(MutableBytes to, WallTime at, Direction direction, Bytes frame,
                         const Offload& offload) {
  const auto length = static_cast<std::uint32_t>(packet_size(frame.size()));
  const auto time = static_cast<std::uint64_t>(at.ns);
  ByteWriter out(to);
  out.u32(kEnhancedPacket);
  out.u32(length);
  out.u32(0);  // the interface
  out.u32(static_cast<std::uint32_t>(time >> 32));
  out.u32(static_cast<std::uint32_t>(time));
  out.u32(static_cast<std::uint32_t>(frame.size()));
  out.u32(static_cast<std::uint32_t>(frame.size()));
  const MutableBytes copy = out.reserve(frame.size());
  if (out.ok()) {
    copy_bytes(copy, frame);
    finish_checksum(copy, offload);
  }
  out.zeros((4 - frame.size() % 4) % 4);
  out.u16(kOptionFlags);
  out.u16(4);
  out.u32(static_cast<std::uint32_t>(direction));
  out.u16(kOptionEnd);
  out.u16(0);
  out.u32(length);
  return out.position();
}

}  // namespace fata::net::pcap
