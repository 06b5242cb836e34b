// A virtio disk (virtio 1.2, section 5.2) that behaves: it performs the requests that it has taken
// in any order.
#pragma once

#include "fata/sim/bus/virtio_device.hpp"

namespace fata::sim {

class VirtioDisk final : public VirtioDevice {
 public:
  // Feature bits (5.2.3).
  static constexpr unsigned kSizeMax = 1, kSegMax = 2, kReadOnly = 5, kBlockSize = 6, kFlush = 9,
                            kTopology = 10, kDiscard = 13;
  static constexpr std::size_t kUnit = 512;

  // `features`: those offered, without kVersion1.
  VirtioDisk(Machine& machine, bool on_pci, std::uint64_t features, std::size_t sectors,
             unsigned seed);

  std::vector<std::byte> data;
  std::size_t performed = 0, reordered = 0, flushes = 0;
  // Every nth request fails; 0: none does.
  std::size_t fails_every = 0;

 private:
  struct Request {
    Chain chain;
    std::size_t number;
  };
  bool work(std::uint16_t queue) override;
  void forget() override { taken_.clear(); }
  void perform(const Chain& chain);
  std::uint8_t run(std::uint32_t type, std::uint64_t sector,
                   std::span<const VirtqueueDevice::Segment> segments);
  bool move(bool reads, std::uint64_t sector, std::span<const VirtqueueDevice::Segment> segments);
  bool discard(std::span<const VirtqueueDevice::Segment> segments);

  std::vector<Request> taken_;
  std::size_t number_ = 0;
};

}  // namespace fata::sim
