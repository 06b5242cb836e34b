// The Internet checksum (RFC 1071).
#pragma once

#include <cstdint>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"
#include "fata/base/packet.hpp"

namespace fata::net {

// A one's-complement sum under way; every piece but the last must have an even length.
class ChecksumSum {
 public:
  void add(Bytes bytes);
  // The rest of a packet, behind `before` bytes that were added already; the pieces may have odd
  // lengths.
  void add_pieces(std::size_t before, const Fragments& pieces);
  void add_u16(std::uint16_t value) { sum_ += value; }
  void add_u32(std::uint32_t value) { sum_ += (value >> 16) + (value & 0xffff); }
  // The pseudo-header of UDP and TCP, over IPv4 (RFC 768) and IPv6 (RFC 8200 section 8.1) alike:
  // the prefix that makes an IPv4 address an IpAddress adds 0xffff, which is zero in this
  // arithmetic.
  void add_pseudo(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                  std::size_t length) {
    add(source.octets());
    add(destination.octets());
    add_u16(protocol);
    add_u32(static_cast<std::uint32_t>(length));
  }
  // Folded, not complemented: what a device that finishes the sum wants in the checksum field.
  std::uint16_t partial() const;
  // Folded and complemented: what goes on the wire. Over data that contains its own checksum this
  // is 0.
  std::uint16_t finish() const { return static_cast<std::uint16_t>(~partial()); }

 private:
  std::uint64_t sum_ = 0;
};

inline std::uint16_t checksum(Bytes bytes) {
  ChecksumSum sum;
  sum.add(bytes);
  return sum.finish();
}

// Does in software what `offload` asks a device to do for `frame`. Nothing if it asks for nothing.
void finish_checksum(MutableBytes frame, const Offload& offload);
// The same for a packet that lies in several buffers; it asks for nothing afterwards.
void finish_checksum(PacketBuf& packet);

}  // namespace fata::net
