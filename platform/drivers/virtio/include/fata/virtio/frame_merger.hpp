// Combines the received buffers of virtio-net into frames (virtio 1.2, section 5.1.6.4). Pure: it
// trusts nothing that the device wrote, and ignores every field that the negotiated features leave
// undefined.
#pragma once

#include <cstdint>

#include "fata/sig/net_device.hpp"

namespace fata::virtio {

class FrameMerger {
 public:
  enum class Step : std::uint8_t {
    kMore,       // the frame continues in the next buffer
    kFrame,      // the frame is complete
    kBadLength,  // dropped: shorter than its headers, or longer than its buffer
    kTooLong,    // dropped: in more buffers than a frame may have
  };

  explicit FrameMerger(std::uint64_t features);

  // Adds the next buffer in the order of the used ring. The buffer is empty; the device reports
  // that it wrote `written` bytes to the buffer's tail. `out` is set if the result is kFrame, and
  // unchanged otherwise. The buffer is either taken or left to the caller to recycle.
  Step add(PacketBuf&& buffer, std::size_t written, sig::RxFrame& out);
  // Drops an incomplete frame after a reset of the device.
  void reset();

 private:
  Step add_more(PacketBuf&& buffer, std::size_t written, sig::RxFrame& out);

  bool mergeable_;
  std::uint8_t valid_flags_;  // those that mark the checksum as valid
  bool gso4_, gso6_;
  Step outcome_ = Step::kFrame;  // of the frame in progress
  std::uint16_t left_ = 0;       // its buffers that are still missing
  sig::RxFrame begun_;
};

}  // namespace fata::virtio
