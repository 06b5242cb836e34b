// A network device that carries whole Ethernet frames, without the frame check sequence.
//
// Frames go in batches both ways. A received frame is a Slice of the device's memory, with what the
// device said of its checksum beside it. A frame to send is a PacketBuf from the device's own pool,
// so that it can be handed over without a copy.
#pragma once

#include <cstdint>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"
#include "fata/sig/awaits.hpp"

namespace fata::sig {

struct RxFrame {
  Slice frame;      // all headers, and the payload unless it is large
  Fragments more;   // what follows, if the device received into several buffers
  Offload offload;  // checksum_valid; gso with gso_size if the device coalesced segments

  std::size_t total_size() const { return frame.size() + (more.empty() ? 0 : more.bytes()); }
};

struct NetFeatures {
  bool tx_checksum = false;  // takes frames with Offload::checksum_needed
  bool rx_checksum = false;  // vouches for checksums
  bool tso4 = false, tso6 = false, uso = false;
  // Bytes of the buffers that frames arrive in: who keeps them all starves the device.
  std::size_t receive_memory = 64 << 10;
  bool gather = false;             // takes packets with fragments
  bool offload_tagged = true;      // sums and cuts frames with an 802.1Q tag, too
  std::uint32_t gso_most = 65535;  // bytes of a packet with Offload::gso, with its IP header
};

template <class D>
concept NetDevice =
    requires(D& device, std::span<RxFrame> in, std::span<PacketBuf> out, async::Wait wait) {
      { device.mac() } -> std::same_as<MacAddress>;
      // Largest payload of a frame, without the Ethernet header.
      { device.mtu() } -> std::same_as<std::size_t>;
      { device.features() } -> std::same_as<NetFeatures>;
      // Fills `in` from the front with what has arrived and gives how many; waits for at least one.
      // One receive at a time.
      { device.receive(in, wait) } -> Awaits<Result<std::size_t>>;
      // An empty packet with at least `headroom` bytes before it and room for a whole frame of the
      // MTU; false if the pool is exhausted.
      { device.allocate(std::size_t{}) } -> std::same_as<PacketBuf>;
      // Takes frames from the front and gives how many it took; the rest is still the caller's.
      // Does not wait. The hardware or host hears of them at the end of the loop's turn.
      { device.send(out) } -> std::same_as<std::size_t>;
      // Waits until send() would take something.
      { device.writable(wait) } -> Awaits<Result<void>>;
      // Few of the buffers that frames arrive in are left: what was received now should be copied
      // before anybody keeps it.
      { device.scarce() } -> std::same_as<bool>;
    };

}  // namespace fata::sig
