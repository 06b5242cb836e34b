// A NIC of the simulated network. Models sig::NetDevice.
#pragma once

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/pool.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/sim/network.hpp"

namespace fata::sim {

// How a NIC handles TCP packets of many segments. All values but kNone require checksum offload.
enum class Segmentation : std::uint8_t {
  kNone,  // not accepted
  kCuts,  // accepted, and split into segments for the wire
  // Like virtio-net: accepted and left whole, and received whole from a NIC of the same kind.
  kWhole,
};

struct DeviceOptions {
  std::size_t mtu = 1500;
  std::size_t buffers = 256;  // for both directions
  std::size_t reserve = 64;   // of them reserved for receiving
  // The maximum number of frames waiting to be sent, and of frames received but not yet taken.
  std::size_t ring = 64;
  // Like virtio-net: accepts frames with unfinished checksums, and marks the checksums of frames
  // from a NIC of the same kind as valid.
  bool checksum_offload = false;
  Segmentation segmentation = Segmentation::kNone;
};

class NetDevice : public Port {
 public:
  enum Count : std::size_t {
    kReceived,
    kSent,
    kOverrun,
    kNoBuffer,
    kTooLong,
    kNoLink,
    kSentUncut,          // of kSent: packets of many segments
    kReceivedCoalesced,  // of kReceived: packets of many segments
    kCounts
  };
  // The maximum length of a packet that is left whole, in multiples of the MTU.
  static constexpr std::size_t kMaxSegments = 16;

  NetDevice(Network& network, const MacAddress& mac, const DeviceOptions& options);
  virtual ~NetDevice() = default;

  // sig::NetDevice.
  MacAddress mac() const { return mac_; }
  std::size_t mtu() const { return options_.mtu; }
  sig::NetFeatures features() const;
  async::Task<Result<std::size_t>> receive(std::span<sig::RxFrame> in, async::Wait wait = {});
  PacketBuf allocate(std::size_t headroom);
  std::size_t send(std::span<PacketBuf> out);
  async::Task<Result<void>> writable(async::Wait wait = {});
  // Half of the unreserved buffers are for sending.
  bool low_on_buffers() const {
    return 2 * pool_.available() < options_.buffers + options_.reserve;
  }

  // Makes receive() and writable() fail from now on, as if the NIC were unplugged.
  void fail_now();
  const BufferPool& pool() const { return pool_; }
  // The number of buffers of frames received but not yet taken.
  std::size_t waiting() const {
    std::size_t buffers = 0;
    for (const sig::RxFrame& frame : received_) buffers += 1 + frame.more.pieces().size();
    return buffers;
  }
  std::uint64_t count(Count which) const { return counters_[which].value; }

 private:
  struct Outgoing {
    Instant done;
    PacketBuf packet;  // the NIC owns its memory until then
  };

  void arrive(WireFrame&& frame) override;
  std::optional<Instant> put_on_wire(WireFrame&& frame);
  bool take(const WireFrame& frame, sig::RxFrame& received);
  void transmitted() override;

  Network* network_;
  MacAddress mac_;
  DeviceOptions options_;
  BufferPool pool_;
  std::deque<Outgoing> outgoing_;
  std::deque<sig::RxFrame> received_;
  bool failed_ = false;
  async::WaitQueue readers_;
  async::WaitQueue writers_;
  std::array<Counter, kCounts> counters_;
};
static_assert(sig::NetDevice<NetDevice>);

// Finishes the checksum of a frame with Offload::checksum_needed, as a NIC does.
void finish_checksum(WireFrame& frame);
// Splits a frame with Offload::gso into the frames of its segments, with checksums, as a NIC does.
std::vector<WireFrame> cut(const WireFrame& whole);

}  // namespace fata::sim
