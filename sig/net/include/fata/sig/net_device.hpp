// A network device that carries whole Ethernet frames, without the frame check sequence.
//
// Frames are transferred in batches both ways. A received frame is a Slice of the device's memory,
// together with the device's checksum status. A frame to send is a PacketBuf from the device's own
// pool, so that it needs no copy.
#pragma once

#include <span>

#include "fata/base/address.hpp"
#include "fata/sig/awaits.hpp"
#include "fata/sig/frame.hpp"

namespace fata::sig {

template <class D>
concept NetDevice =
    requires(D& device, std::span<RxFrame> in, std::span<PacketBuf> out, async::Wait wait) {
      { device.mac() } -> std::same_as<MacAddress>;
      // Largest payload of a frame, without the Ethernet header.
      { device.mtu() } -> std::same_as<std::size_t>;
      { device.features() } -> std::same_as<NetFeatures>;
      // Fills `in` from the front with received frames and returns their number; waits for at least
      // one. At most one receive at a time.
      { device.receive(in, wait) } -> Awaits<Result<std::size_t>>;
      // An empty packet with at least `headroom` bytes of headroom and room for a whole frame of
      // the MTU; false if the pool is exhausted.
      { device.allocate(std::size_t{}) } -> std::same_as<PacketBuf>;
      // Takes frames from the front and returns their number; the caller keeps the rest. Does not
      // wait. The hardware or host is notified at the end of the loop's turn.
      { device.send(out) } -> std::same_as<std::size_t>;
      // Waits until send() would accept a frame.
      { device.writable(wait) } -> Awaits<Result<void>>;
      // True when the device is low on receive buffers: copy received data before keeping it.
      { device.low_on_buffers() } -> std::same_as<bool>;
    };

namespace archetype {
struct NetDevice {
  MacAddress mac() { return {}; }
  std::size_t mtu() { return 1500; }
  NetFeatures features() { return {}; }
  Ready<Result<std::size_t>> receive(std::span<RxFrame>, async::Wait) { return {}; }
  PacketBuf allocate(std::size_t) { return {}; }
  std::size_t send(std::span<PacketBuf>) { return 0; }
  Ready<Result<void>> writable(async::Wait) { return {}; }
  bool low_on_buffers() { return false; }
};
}  // namespace archetype

}  // namespace fata::sig
