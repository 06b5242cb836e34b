// The frames of a NetDevice and its offloads, for engines as well as devices: no coroutines here.
#pragma once

#include <cstdint>

#include "fata/base/packet.hpp"

namespace fata::sig {

struct RxFrame {
  Slice frame;  // all headers, and the payload unless it is large
  // The rest of the frame, if the device received it into several buffers.
  BufferChain more;
  Offload offload;  // checksum_valid; gso with gso_size if the device coalesced segments

  std::size_t total_size() const { return frame.size() + (more.empty() ? 0 : more.bytes()); }
};

struct NetFeatures {
  bool tx_checksum = false;  // takes frames with Offload::checksum_needed
  bool rx_checksum = false;  // validates checksums on receive
  bool tso4 = false, tso6 = false, uso = false;
  // Bytes in all receive buffers: keeping all of them starves the device.
  std::size_t receive_memory = 64 << 10;
  bool gather = false;            // accepts packets with fragments
  bool offload_tagged = true;     // checksum and segmentation offload also for 802.1Q-tagged frames
  std::uint32_t gso_max = 65535;  // max bytes of a packet with Offload::gso, with its IP header
};

}  // namespace fata::sig
