// virtio-net's received buffers put together to frames (virtio 1.2, section 5.1.6.4). Pure: it
// trusts nothing that the device wrote, and no field that the features agreed on give no meaning
// to.
#pragma once

#include <cstdint>

#include "fata/sig/net_device.hpp"

namespace fata::virtio {

class FrameMerger {
 public:
  enum class Step : std::uint8_t {
    kMore,       // the frame goes on in the next buffer
    kFrame,      // it is whole
    kBadLength,  // dropped: shorter than its headers, or longer than its buffer
    kTooLong,    // dropped: in more buffers than a frame can hold
  };

  explicit FrameMerger(std::uint64_t features);

  // The next buffer in the order of the used ring, empty, into whose tail the device says that it
  // wrote `written` bytes. With kFrame `out` is set, else left alone. The buffer is taken, or still
  // the caller's to recycle.
  Step add(PacketBuf&& buffer, std::size_t written, sig::RxFrame& out);
  // Lets go of a frame that was begun: the device was reset.
  void reset();

 private:
  Step add_more(PacketBuf&& buffer, std::size_t written, sig::RxFrame& out);

  bool mergeable_;
  std::uint8_t valid_flags_;  // those that vouch for the checksum
  bool gso4_, gso6_;
  Step outcome_ = Step::kFrame;  // of the frame that was begun
  std::uint16_t left_ = 0;       // its buffers that are still to come
  sig::RxFrame begun_;
};

}  // namespace fata::virtio
