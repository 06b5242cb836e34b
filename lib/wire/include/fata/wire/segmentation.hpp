// Software segmentation of TCP packets for devices without segmentation offload.
#pragma once

#include "fata/base/packet.hpp"

namespace fata::wire {

// Maximum segments of a packet segmented here: they all enter the device's queue at once.
inline constexpr std::uint16_t kSegmentsInSoftware = 16;

// Splits an Ethernet frame with TCP over IPv4 or IPv6 and Offload::gso into segments. Each segment
// has the frame's headers with its own lengths, IPv4 identification and checksum, and sequence
// number. FIN and PSH stay with the last segment, CWR with the first (RFC 3168 section 6.1.2).
// TCP's checksum is left to the device, as Offload::checksum_needed requests.
class Segmenter {
 public:
  explicit Segmenter(PacketBuf frame);

  // Bytes of the next segment's frame; 0 after the last one.
  std::size_t size() const;
  // Appends the next segment to `to`, which is empty and has room for size() bytes.
  void next(PacketBuf& to);

 private:
  void copy_payload(MutableBytes to);

  PacketBuf frame_;
  std::size_t ip_at_;    // offset of the IP header, after any VLAN tag
  std::size_t header_;   // bytes, from Ethernet's to TCP's
  std::size_t payload_;  // bytes
  std::size_t done_ = 0;
  std::uint16_t index_ = 0;
  Bytes piece_;           // the rest of the current buffer
  std::size_t next_ = 0;  // index of the buffer after it
};

}  // namespace fata::wire
