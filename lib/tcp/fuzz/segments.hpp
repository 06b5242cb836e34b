// Shared by the TCP fuzzers: choices drawn from the input, and segments close to those that the
// host expects.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "fata/base/bytes.hpp"
#include "fata/base/packet.hpp"
#include "fata/base/time.hpp"
#include "fata/tcp/segment.hpp"

namespace fata::tcp::fuzz {

class Input {
 public:
  explicit Input(Bytes bytes) : in_(bytes) {}
  bool more() const { return !in_.at_end(); }
  std::uint32_t pick(std::uint32_t count) { return u8() % count; }
  std::uint8_t u8() { return in_.remaining() == 0 ? std::uint8_t{0} : in_.u8(); }
  std::uint32_t u32() { return in_.remaining() < 4 ? u8() : in_.u32(); }
  Bytes take(std::size_t most) { return in_.take(std::min(most, in_.remaining())); }

 private:
  ByteReader in_;
};

// State from the last segment of the host under test.
struct Seen {
  Seq nxt = 0;  // end of its sent data
  Seq ack = 0;  // the next sequence number that it expects
  std::uint16_t port = 80;
  std::uint32_t ts = 0;

  void take(const Header& header, std::size_t payload) {
    nxt = header.seq + static_cast<Seq>(payload);
    if (header.has(kAck)) ack = header.ack;
    port = header.source_port;
    ts = header.options.ts_value;
  }
};

// Builds a segment whose fields are mostly close to those that `us` expects, without a checksum.
// Nothing is appended to `packet` if it cannot be written.
inline bool make_segment(Input& in, const Seen& us, Instant now, PacketBuf& packet,
                         std::uint8_t& which) {
  Header header;
  const bool opened = in.pick(2) != 0;
  header.source_port = opened ? 80 : static_cast<std::uint16_t>(1024 + in.pick(4));
  header.destination_port = opened ? us.port : 80;
  header.flags = in.u8();
  header.window = static_cast<std::uint16_t>(in.u8() << in.pick(9));
  const auto near = [&in](Seq base) {
    switch (in.pick(4)) {
      case 0:
        return base;
      case 1:
        return base + in.u8();
      case 2:
        return base - in.u8();
      default:
        return base + (in.pick(2) != 0 ? in.u32() : Seq{in.u8()} * 1000);
    }
  };
  header.seq = near(us.ack);
  header.ack = near(us.nxt);
  Options& options = header.options;
  which = in.u8();
  if ((which & 1) != 0) options.mss = static_cast<std::uint16_t>(in.u8() << 3);
  if ((which & 2) != 0) options.has_window_scale = true, options.window_scale = in.u8();
  if ((which & 4) != 0) options.sack_permitted = true;
  if ((which & 8) != 0) {
    options.has_timestamps = true;
    options.ts_value = near(static_cast<Seq>(now.ns / 1'000'000));
    options.ts_echo = near(us.ts);
  }
  if ((which & 16) != 0 && (which & 2) == 0) {
    options.sack_count = static_cast<std::uint8_t>(1 + in.pick(2));
    for (SeqRange& block : std::span(options.sack).first(options.sack_count)) {
      block.begin = near(us.nxt);
      block.end = block.begin + 1 + in.u8() * 10U;
    }
  }
  const std::size_t length = options.size() > 40 ? 0 : kHeaderSize + options.size();
  if (length == 0) return false;
  const MutableBytes head = packet.append(length);
  header.write(head);
  if ((which & 32) != 0) {
    // Raw option bytes from the input.
    const Bytes raw = in.take(length - kHeaderSize);
    copy_bytes(head.subspan(kHeaderSize), raw);
  }
  const std::size_t data =
      std::min<std::size_t>(in.pick(2) == 0 ? 0 : in.u8() * 6U, packet.tailroom());
  for (std::byte& byte : packet.append(data)) byte = std::byte{0x5a};
  return true;
}

}  // namespace fata::tcp::fuzz
