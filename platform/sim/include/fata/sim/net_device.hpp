// A network card of the simulated network. Models sig::NetDevice.
#pragma once

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/pool.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/sim/network.hpp"

namespace fata::sim {

// What a card does with TCP packets of many segments; needs checksum offload.
enum class Segmentation : std::uint8_t {
  kNone,  // it takes none
  kCuts,  // it takes them, and cuts them for the wire
  // Like virtio-net: it takes them, leaves them whole, and receives such from a card that is alike.
  kWhole,
};

struct DeviceOptions {
  std::size_t mtu = 1500;
  std::size_t buffers = 256;  // for both directions
  std::size_t reserve = 64;   // of them kept for receiving
  // Frames in each direction: to be sent, and received but not yet taken.
  std::size_t ring = 64;
  // Like virtio-net: takes frames with unfinished checksums, and vouches for those of frames from a
  // card that is alike.
  bool checksum_offload = false;
  Segmentation segmentation = Segmentation::kNone;
};

class NetDevice final : public Port {
 public:
  enum Count : std::size_t {
    kReceived,
    kSent,
    kOverrun,
    kNoBuffer,
    kTooLong,
    kNoLink,
    kSentUncut,          // of those sent: packets of many segments
    kReceivedCoalesced,  // of those received
    kCounts
  };
  // Bytes of the longest packet that it leaves whole, in buffers of the MTU's size.
  static constexpr std::size_t kMostSegments = 16;

  NetDevice(Network& network, const MacAddress& mac, const DeviceOptions& options);

  // The device as sig::NetDevice.
  MacAddress mac() const { return mac_; }
  std::size_t mtu() const { return options_.mtu; }
  sig::NetFeatures features() const;
  async::Task<Result<std::size_t>> receive(std::span<sig::RxFrame> in, async::Wait wait = {});
  PacketBuf allocate(std::size_t headroom);
  std::size_t send(std::span<PacketBuf> out);
  async::Task<Result<void>> writable(async::Wait wait = {});
  // Half of what both directions share is for sending.
  bool scarce() const { return 2 * pool_.available() < options_.buffers + options_.reserve; }

  // Makes receive() and writable() fail from now on, as when a card is pulled.
  void fail_now();
  const BufferPool& pool() const { return pool_; }
  // Buffers of frames that were received and not yet taken.
  std::size_t waiting() const {
    std::size_t buffers = 0;
    for (const sig::RxFrame& frame : received_) buffers += 1 + frame.more.pieces().size();
    return buffers;
  }
  std::uint64_t count(Count which) const { return counters_[which].value; }

 private:
  struct Outgoing {
    Instant done;
    PacketBuf packet;  // its memory is the card's until then
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

// Does what a card does for a frame with Offload::checksum_needed.
void finish_checksum(WireFrame& frame);
// Does what a card does for one with Offload::gso: the frames of its segments, their checksums
// made.
std::vector<WireFrame> cut(const WireFrame& whole);

}  // namespace fata::sim
