// The Internet checksum (RFC 1071).
#pragma once

#include <cstdint>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"
#include "fata/base/packet.hpp"

namespace fata::wire {

// A running one's-complement sum. Every piece except the last must have an even length.
class ChecksumSum {
 public:
  void add(Bytes bytes);
  // Adds the rest of a packet after `before` bytes that are already added. The pieces may have odd
  // lengths.
  void add_pieces(std::size_t before, const BufferChain& pieces);
  void add_u16(std::uint16_t value) { sum_ += value; }
  void add_u32(std::uint32_t value) { sum_ += (value >> 16) + (value & 0xffff); }
  // The pseudo-header of UDP and TCP, for IPv4 (RFC 768) and IPv6 (RFC 8200 section 8.1): the
  // IPv4-mapped prefix of an IpAddress adds 0xffff, which is zero in one's-complement arithmetic.
  void add_pseudo(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                  std::size_t length) {
    add(source.octets());
    add(destination.octets());
    add_u16(protocol);
    add_u32(static_cast<std::uint32_t>(length));
  }
  // Folded, not complemented: the value a checksum-offloading device expects in the checksum field.
  std::uint16_t partial() const;
  // Folded and complemented: the value on the wire. Over data that includes its own checksum, it is
  // 0.
  std::uint16_t finish() const { return static_cast<std::uint16_t>(~partial()); }

 private:
  std::uint64_t sum_ = 0;
};

inline std::uint16_t checksum(Bytes bytes) {
  ChecksumSum sum;
  sum.add(bytes);
  return sum.finish();
}

// Performs the checksum offload that `offload` requests for `frame` in software; has no effect
// without a request.
void finish_checksum(MutableBytes frame, const Offload& offload);
// Does the same for a packet in several buffers; clears the request.
void finish_checksum(PacketBuf& packet);

}  // namespace fata::wire
