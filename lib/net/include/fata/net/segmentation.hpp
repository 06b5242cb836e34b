// Segmentation in software: cuts what TCP made for a device that cuts, where the device does not.
#pragma once

#include "fata/base/packet.hpp"

namespace fata::net {

// Most segments of one packet that is cut here: they all go to the device's queue at once.
inline constexpr std::uint16_t kSegmentsInSoftware = 16;

// An Ethernet frame with TCP over IPv4 or IPv6 and Offload::gso, segment by segment. Each has the
// frame's headers with lengths, IPv4 identification and checksum, and sequence number of its own;
// FIN and PSH stay with the last, CWR with the first (RFC 3168 section 6.1.2). TCP's checksum is
// left to finish, as Offload::checksum_needed says.
class Segmenter {
 public:
  explicit Segmenter(PacketBuf frame);

  // Bytes of the next segment's frame; 0 if all are cut.
  std::size_t size() const;
  // Appends the next segment to `to`, which is empty and has room for size() bytes.
  void next(PacketBuf& to);

 private:
  void copy_payload(MutableBytes to);

  PacketBuf frame_;
  std::size_t ip_at_;    // where the IP header begins: behind a VLAN's tag, if there is one
  std::size_t header_;   // bytes, from Ethernet's to TCP's
  std::size_t payload_;  // bytes
  std::size_t done_ = 0;
  std::uint16_t index_ = 0;
  Bytes piece_;           // what is left of the piece under way
  std::size_t next_ = 0;  // the fragment behind it
};

}  // namespace fata::net
