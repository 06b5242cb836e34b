// A reader of pcapng as far as our writer goes, for tests: complains of everything else.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "fata/base/bytes.hpp"

namespace fata::net::pcap {

struct ReadPacket {
  std::uint64_t time = 0;
  std::uint32_t direction = 0;
  std::vector<std::byte> frame;
};

// Blocks of a big-endian capture. An empty vector and a failure if anything is wrong.
inline std::vector<ReadPacket> read_capture(Bytes file) {
  std::vector<ReadPacket> packets;
  ByteReader in(file);
  for (unsigned number = 0; !in.at_end(); ++number) {
    const std::size_t start = in.position();
    const std::uint32_t type = in.u32();
    const std::uint32_t length = in.u32();
    const std::uint32_t expected = number == 0 ? 0x0a0d0d0a : number == 1 ? 1 : 6;
    EXPECT_EQ(type, expected);
    EXPECT_EQ(length % 4, 0u);
    if (type != expected || length < 12) return {};
    if (type == 0x0a0d0d0a) {
      EXPECT_EQ(in.u32(), 0x1a2b3c4du);
      EXPECT_EQ(in.u32(), 0x00010000u);
      EXPECT_EQ(in.u64(), ~std::uint64_t{0});
    } else if (type == 1) {
      EXPECT_EQ(in.u16(), 1u) << "Ethernet";
      in.skip(2);
      EXPECT_EQ(in.u32(), 0u);
      EXPECT_EQ(in.u32(), 0x00090001u);
      EXPECT_EQ(in.u32(), 0x09000000u) << "nanoseconds";
      EXPECT_EQ(in.u32(), 0u);
    } else {
      ReadPacket packet;
      EXPECT_EQ(in.u32(), 0u) << "the interface";
      packet.time = in.u64();
      const std::uint32_t captured = in.u32();
      EXPECT_EQ(in.u32(), captured);
      const Bytes frame = in.take(captured);
      packet.frame.assign(frame.begin(), frame.end());
      for (const std::byte pad : in.take((4 - captured % 4) % 4)) EXPECT_EQ(pad, std::byte{0});
      EXPECT_EQ(in.u32(), 0x00020004u);
      packet.direction = in.u32();
      EXPECT_EQ(in.u32(), 0u);
      packets.push_back(std::move(packet));
    }
    EXPECT_EQ(in.u32(), length) << "the length is repeated at the end";
    EXPECT_TRUE(in.ok());
    EXPECT_EQ(in.position(), start + length);
    if (!in.ok()) return {};
  }
  return packets;
}

}  // namespace fata::net::pcap
