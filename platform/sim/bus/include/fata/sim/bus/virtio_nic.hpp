// A virtio NIC (virtio 1.2, section 5.1) that behaves. A frame to the driver is split over as many
// receive buffers as it likes, if the driver accepted mergeable buffers.
#pragma once

#include <deque>

#include "fata/sim/bus/virtio_device.hpp"

namespace fata::sim {

class VirtioNic final : public VirtioDevice {
 public:
  // Feature bits (5.1.3).
  static constexpr unsigned kCsum = 0, kGuestCsum = 1, kMtu = 3, kMac = 5, kGuestTso4 = 7,
                            kGuestTso6 = 8, kGuestEcn = 9, kHostTso4 = 11, kHostTso6 = 12,
                            kHostEcn = 13, kMergeable = 15, kControlQueue = 17;
  static constexpr std::uint8_t kNeedsCsum = 1, kDataValid = 2;
  static constexpr std::uint8_t kTcp4 = 1, kTcp6 = 4, kEcn = 0x80;

  struct Frame {
    std::vector<std::byte> bytes;
    std::uint8_t flags = 0, gso_type = 0;
    std::uint16_t header_length = 0, gso_size = 0, checksum_start = 0, checksum_offset = 0;
  };

  // `features`: those offered, without kVersion1.
  VirtioNic(Machine& machine, bool on_pci, std::uint64_t features, unsigned seed);

  // Receives what the driver sends; checksums are complete.
  std::function<void(Frame)> sent = [](Frame&&) {};
  // Queues a frame for the driver. It waits while the driver has no buffer.
  void deliver(Frame frame);
  std::size_t undelivered() const { return waiting_.size(); }
  void drop() { waiting_.pop_front(); }
  std::size_t merged = 0;  // frames that took several buffers

 private:
  bool work(std::uint16_t queue) override;
  void forget() override;
  bool transmit();
  bool receive();
  void read_frame(const Chain& chain);
  bool write_frame(const Frame& frame);
  void check_offload(const Frame& frame) const;

  std::deque<Frame> waiting_;
  std::vector<Chain> buffers_, sending_;
};

}  // namespace fata::sim
