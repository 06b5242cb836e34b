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
  void add_u16(std::uint16_t value) { sum_ += value; }
  void add_u32(std::uint32_t value) { sum_ += (value >> 16) + (value & 0xffff); }
  // The pseudo-header of UDP and TCP over IPv4 (RFC 768).
  void add_pseudo(Ipv4Address source, Ipv4Address destination, std::uint8_t protocol, std::uint16_t length) {
    add_u32(source.value);
    add_u32(destination.value);
    add_u16(protocol);
    add_u16(length);
  }
  // Folded, not complemented: what a device that finishes the sum wants in the checksum field.
  std::uint16_t partial() const;
  // Folded and complemented: what goes on the wire. Over data that contains its own checksum this is 0.
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

}  // namespace fata::net
