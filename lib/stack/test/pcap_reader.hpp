// A test reader for the subset of pcapng that our writer produces; anything else is a failure.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "fata/base/bytes.hpp"

namespace fata::stack::pcap {

struct ReadPacket {
  std::uint64_t time = 0;
  std::uint32_t direction = 0;
  std::vector<std::byte> frame;
};

// Packets of a little-endian capture. Returns an empty vector and records a failure if anything is
// wrong.
inline std::vector<ReadPacket> read_capture(Bytes file) {
  std::vector<ReadPacket> packets;
  ByteReader in(file);
  const auto u32 = [&in] { return std::byteswap(in.u32()); };
  for (unsigned number = 0; !in.at_end(); ++number) {
    const std::size_t start = in.position();
    const std::uint32_t type = u32();
    const std::uint32_t length = u32();
    const std::uint32_t expected = number == 0 ? 0x0a0d0d0a : number == 1 ? 1 : 6;
    EXPECT_EQ(type, expected);
    EXPECT_EQ(length % 4, 0u);
    if (type != expected || length < 12) return {};
    if (type == 0x0a0d0d0a) {
      EXPECT_EQ(u32(), 0x1a2b3c4du);
      EXPECT_EQ(u32(), 0x00000001u) << "version 1.0";
      EXPECT_EQ(in.u64(), ~std::uint64_t{0});
    } else if (type == 1) {
      EXPECT_EQ(std::byteswap(in.u16()), 1u) << "Ethernet";
      in.skip(2);
      EXPECT_EQ(u32(), 0u);
      EXPECT_EQ(u32(), 0x00010009u);
      EXPECT_EQ(u32(), 9u) << "nanoseconds";
      EXPECT_EQ(u32(), 0u);
    } else {
      ReadPacket packet;
      EXPECT_EQ(u32(), 0u) << "the interface";
      packet.time = std::uint64_t{u32()} << 32;
      packet.time |= u32();
      const std::uint32_t captured = u32();
      EXPECT_EQ(u32(), captured);
      const Bytes frame = in.take(captured);
      packet.frame.assign(frame.begin(), frame.end());
      for (const std::byte pad : in.take((4 - captured % 4) % 4)) EXPECT_EQ(pad, std::byte{0});
      EXPECT_EQ(u32(), 0x00040002u);
      packet.direction = u32();
      EXPECT_EQ(u32(), 0u);
      packets.push_back(std::move(packet));
    }
    EXPECT_EQ(u32(), length) << "the length is repeated at the end";
    EXPECT_TRUE(in.ok());
    EXPECT_EQ(in.position(), start + length);
    if (!in.ok()) return {};
  }
  return packets;
}

}  // namespace fata::stack::pcap
