// Captures in pcapng (draft-ietf-opsawg-pcapng) for tcpdump and Wireshark, and a device that
// records all frames that pass through it.
#pragma once

#include <vector>

#include "fata/base/packet.hpp"
#include "fata/base/time.hpp"
#include "fata/sig/capture.hpp"
#include "fata/sig/clock.hpp"
#include "fata/sig/net_device.hpp"

namespace fata::stack {

namespace pcap {

// One section with one Ethernet interface and timestamps in nanoseconds; little endian.
inline constexpr std::size_t kPreambleSize = 60;
// Returns the number of bytes written: kPreambleSize.
std::size_t write_preamble(MutableBytes to);

enum class Direction : std::uint8_t { kReceived = 1, kSent = 2 };
inline constexpr std::size_t packet_size(std::size_t frame) { return 44 + (frame + 3) / 4 * 4; }
// Writes an Enhanced Packet Block; returns the number of bytes written, packet_size(frame.size()).
// A checksum that `offload` leaves to a device is completed in the copy.
std::size_t write_packet(MutableBytes to, WallTime at, Direction direction, Bytes frame,
                         const Offload& offload);

}  // namespace pcap

// Wraps any device and records both directions. Models sig::NetDevice. With a disabled sink, it
// costs one comparison per batch.
template <sig::NetDevice Net, sig::Clock Clock, sig::CaptureSink Sink>
class PcapDevice {
  class Receiving;

 public:
  // All three outlive this device.
  PcapDevice(Net& net, Clock& clock, Sink& sink)
      : net_(&net), clock_(&clock), sink_(&sink), on_(sink.enabled()) {
    if (!on_) return;
    whole_.resize(kFrameRoom);
    block_.resize(std::max(pcap::kPreambleSize, pcap::packet_size(kFrameRoom)));
    const std::size_t size = pcap::write_preamble(block_);
    sink_->write(Bytes(block_).first(size));
  }
  PcapDevice(const PcapDevice&) = delete;
  PcapDevice& operator=(const PcapDevice&) = delete;

  MacAddress mac() { return net_->mac(); }
  std::size_t mtu() { return net_->mtu(); }
  sig::NetFeatures features() { return net_->features(); }
  Receiving receive(std::span<sig::RxFrame> in, async::Wait wait) {
    return Receiving(*this, in, wait);
  }
  PacketBuf allocate(std::size_t headroom) { return net_->allocate(headroom); }
  std::size_t send(std::span<PacketBuf> out) {
    if (!on_) return net_->send(out);
    // Goes frame by frame: only frames that the device takes count as sent, and a frame must not be
    // read after the device has taken it.
    for (std::size_t sent = 0; sent < out.size(); ++sent) {
      const std::size_t size =
          write(pcap::Direction::kSent, out[sent].bytes(), out[sent].chain(), out[sent].offload());
      if (net_->send(out.subspan(sent, 1)) == 0) return sent;
      sink_->write(Bytes(block_).first(size));
    }
    return out.size();
  }
  auto writable(async::Wait wait) { return net_->writable(wait); }
  bool low_on_buffers() { return net_->low_on_buffers(); }
  auto counters() const
    requires requires(Net& device) { device.counters(); }
  {
    return net_->counters();
  }

 private:
  // Receives from the device, then records the frames.
  class Receiving {
   public:
    Receiving(PcapDevice& device, std::span<sig::RxFrame> in, async::Wait wait)
        : device_(&device),
          in_(in),
          awaitable_(device.net_->receive(in, wait)),
          awaiter_(sig::detail::awaiter_of(std::move(awaitable_))) {}
    Receiving(const Receiving&) = delete;
    Receiving& operator=(const Receiving&) = delete;

    bool await_ready() { return awaiter_.await_ready(); }
    decltype(auto) await_suspend(std::coroutine_handle<> handle) {
      return awaiter_.await_suspend(handle);
    }
    Result<std::size_t> await_resume() {
      const Result<std::size_t> count = awaiter_.await_resume();
      if (device_->on_ && count) device_->record(in_.first(*count));
      return count;
    }

   private:
    using Awaitable =
        decltype(std::declval<Net&>().receive(std::span<sig::RxFrame>(), async::Wait()));
    using Awaiter = decltype(sig::detail::awaiter_of(std::declval<Awaitable>()));
    PcapDevice* device_;
    std::span<sig::RxFrame> in_;
    Awaitable awaitable_;
    Awaiter awaiter_;
  };

  // The largest frame of any device, with a tag.
  static constexpr std::size_t kFrameRoom = 65'556;

  std::size_t write(pcap::Direction direction, Bytes frame, const BufferChain& more,
                    const Offload& offload) {
    if (!more.empty()) {
      std::size_t size = copy_bytes(whole_, frame);
      for (const Slice& piece : more.pieces())
        size += copy_bytes(MutableBytes(whole_).subspan(size), piece.bytes());
      frame = Bytes(whole_).first(size);
    }
    return pcap::write_packet(block_, clock_->wall(), direction,
                              frame.first(std::min(frame.size(), kFrameRoom)), offload);
  }
  void record(std::span<sig::RxFrame> frames) {
    for (const sig::RxFrame& frame : frames) {
      const std::size_t size =
          write(pcap::Direction::kReceived, frame.frame.bytes(), frame.more, {});
      sink_->write(Bytes(block_).first(size));
    }
  }

  Net* net_;
  Clock* clock_;
  Sink* sink_;
  bool on_;
  std::vector<std::byte> block_;  // both are empty while capturing is off
  std::vector<std::byte> whole_;  // a frame of several buffers, joined
};

}  // namespace fata::stack
