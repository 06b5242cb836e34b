// An interface: one Ethernet link as the IP layers see it. Pure: received frames come from the
// host, sent frames go to a PacketSink.
#pragma once

#include <array>
#include <optional>

#include "fata/base/counter.hpp"
#include "fata/ip/transport.hpp"
#include "fata/sig/frame.hpp"
#include "fata/wire/ethernet.hpp"

namespace fata::ip {

// Where an interface's frames go: its device's driver, or a test.
class PacketSink {
 public:
  // An empty packet with that headroom and room for the link's MTU; false if there is none.
  virtual PacketBuf allocate(std::size_t headroom) = 0;
  // Guarantees that the next `count` calls of allocate() in this turn succeed; returns fewer if
  // buffers run out.
  virtual std::size_t reserve(std::size_t count) { return count; }
  // Sends a finished frame, in order. Its buffer need not come from allocate().
  virtual void transmit(PacketBuf frame) = 0;
  // Passes all frames that were transmitted to the device, and returns what is reserved.
  virtual void flush() {}
  // True while the device takes no frames; some that are transmitted meanwhile may be dropped.
  virtual bool full() const { return false; }

  // The device's own counters; empty if it has none.
  virtual std::span<const Counter> counters() const { return {}; }

 protected:
  ~PacketSink() = default;
};

struct LinkConfig {
  MacAddress mac;
  std::size_t mtu = 1500;  // of an IP packet, in bytes
  sig::NetFeatures features{};
  // VLAN of received and sent frames (IEEE 802.1Q), 1 to 4094; 0: untagged.
  std::uint16_t vlan = 0;
};

// The kind of a frame's destination: unicast to this host, multicast or broadcast.
enum class LinkCast : std::uint8_t { kUnicast, kMulticast, kBroadcast };

// Prepends `size` bytes for a header and moves the offload's offsets by the same amount.
inline MutableBytes prepend_header(PacketBuf& packet, std::size_t size) {
  Offload& offload = packet.offload();
  if (offload.checksum_needed)
    offload.checksum_start = static_cast<std::uint16_t>(offload.checksum_start + size);
  if (offload.gso != Offload::Gso::kNone) {
    offload.header_length = static_cast<std::uint16_t>(offload.header_length + size);
  }
  return packet.prepend(size);
}

class Interface {
 public:
  // Maximum number of interfaces of a host.
  static constexpr std::size_t kMax = 8;
  enum Count : std::size_t {
    kReceived,
    kSent,
    kBadFrame,
    kOtherNic,
    kUnknownType,
    kNoBuffer,
    kUnfit,
    kOverflow,  // the device was full
    kCopied,    // received while the device was low on buffers
    kNoMemory,  // of those, dropped for lack of memory for a copy
    kOtherVlan,
    kCounts
  };

  Interface(const LinkConfig& config, PacketSink& sink, std::uint8_t index);

  std::uint8_t index() const { return index_; }
  const MacAddress& mac() const { return config_.mac; }
  std::uint16_t vlan() const { return config_.vlan; }
  // The source of the IPv6 frame that accept() accepted last.
  const MacAddress& sender() const { return sender_; }
  std::size_t mtu() const { return config_.mtu; }
  // Sets the MTU that the network requires, at most the device's.
  void set_mtu(std::size_t mtu) { config_.mtu = mtu; }
  const sig::NetFeatures& features() const { return config_.features; }
  // Fills in the offloads that TCP may use: the device performs them, or send() does.
  void describe_offloads(Path& path, Offload::Gso gso) const;

  struct Accepted {
    wire::ethernet::Type type;
    LinkCast cast;
  };
  // Checks and removes the Ethernet header and an 802.1Q tag. If the frame is invalid or not for
  // this interface, counts it and returns nothing.
  std::optional<Accepted> accept(Slice& frame);

  // Counts failures.
  PacketBuf allocate(std::size_t headroom) {
    [[clang::uninitialized]] PacketBuf packet = sink_->allocate(headroom);
    if (!packet) [[unlikely]]
      ++counters_[kNoBuffer];
    return packet;
  }
  std::size_t reserve(std::size_t count) { return sink_->reserve(count); }
  // Prepends the Ethernet header to an IP or ARP packet and passes it to the device. Offloads that
  // the device lacks (checksum, several buffers, segmentation) are done here in software.
  void send(PacketBuf packet, const MacAddress& to, wire::ethernet::Type type);
  void flush() { sink_->flush(); }
  bool full() const { return sink_->full(); }

  // Detaches the device: allocations fail from now on and sent frames are dropped.
  void detach();

  std::span<const Counter> counters() const { return counters_; }
  std::span<const Counter> device_counters() const { return sink_->counters(); }
  void count_copied(bool copied) { ++counters_[copied ? kCopied : kNoMemory]; }
  void count_overflow() { ++counters_[kOverflow]; }
  void count_unfit() { ++counters_[kUnfit]; }
  // Counts a frame of a protocol that this host does not support.
  void count_unknown_type() { ++counters_[kUnknownType]; }
  std::uint64_t count(Count which) const { return counters_[which].value; }

 private:
  bool device_cuts(Offload::Gso gso) const {
    const sig::NetFeatures& can = config_.features;
    return (gso == Offload::Gso::kTcpV4 ? can.tso4 : can.tso6) && can.tx_checksum && can.gather;
  }
  std::optional<std::uint16_t> untag(Slice& frame, std::uint16_t type);
  wire::ethernet::Type tag(PacketBuf& packet, wire::ethernet::Type type) const;
  void cut(PacketBuf packet);
  void hand_over(PacketBuf packet);

  LinkConfig config_;
  MacAddress sender_;
  PacketSink* sink_;
  std::uint8_t index_;
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::ip
