// An interface: one Ethernet link as the IP layers see it. Pure: frames come in by the host, frames
// go out to a FrameSink.
#pragma once

#include <array>
#include <optional>

#include "fata/base/counter.hpp"
#include "fata/net/ethernet.hpp"
#include "fata/net/transport.hpp"
#include "fata/sig/net_device.hpp"

namespace fata::net {

// Where the frames of an interface go: the driver of its device, or a test.
class FrameSink {
 public:
  // An empty packet with that headroom and room for the link's MTU; false if there is none.
  virtual PacketBuf allocate(std::size_t headroom) = 0;
  // The next so many calls of allocate() in this turn will not fail; fewer if there are no more.
  virtual std::size_t reserve(std::size_t count) { return count; }
  // A finished frame, in order. Its buffer may come from elsewhere than allocate().
  virtual void transmit(PacketBuf frame) = 0;

  // What the device itself has counted; nothing of one that does not.
  virtual std::span<const Counter> counters() const { return {}; }

 protected:
  ~FrameSink() = default;
};

struct LinkConfig {
  MacAddress mac;
  std::size_t mtu = 1500;  // bytes of an IP packet
  sig::NetFeatures features{};
  // Of the frames that it takes and sends (IEEE 802.1Q), 1 to 4094; 0: untagged.
  std::uint16_t vlan = 0;
};

// The kind of a frame's destination.
enum class LinkCast : std::uint8_t { kUs, kGroup, kAll };

// Prepends `size` bytes for a header; the offload's offsets are moved on with the packet's first
// byte.
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
  // A host has at most so many.
  static constexpr std::size_t kMost = 8;
  enum Count : std::size_t {
    kReceived,
    kSent,
    kBadFrame,
    kOtherCard,
    kUnknownType,
    kNoBuffer,
    kUnfit,
    kOverflow,  // the device was full
    kCopied,    // received while the device was scarce of buffers
    kNoMemory,  // of those: dropped, as there was no memory for a copy
    kOtherVlan,
    kCounts
  };

  Interface(const LinkConfig& config, FrameSink& sink, std::uint8_t index);

  std::uint8_t index() const { return index_; }
  const MacAddress& mac() const { return config_.mac; }
  std::uint16_t vlan() const { return config_.vlan; }
  // The source of the IPv6 frame that accept() took last.
  const MacAddress& sender() const { return sender_; }
  std::size_t mtu() const { return config_.mtu; }
  // What the network asks for; never more than the device's.
  void set_mtu(std::size_t mtu) { config_.mtu = mtu; }
  const sig::NetFeatures& features() const { return config_.features; }
  // What TCP may leave to us: the device does it, or send().
  void describe_offloads(Path& path, Offload::Gso gso) const;

  struct Accepted {
    ethernet::Type type;
    LinkCast cast;
  };
  // Looks at the Ethernet header and takes it off, with an 802.1Q tag. Nothing (and counted) if the
  // frame is none or not for us.
  std::optional<Accepted> accept(Slice& frame);

  // Counts a failure.
  PacketBuf allocate(std::size_t headroom);
  std::size_t reserve(std::size_t count) { return sink_->reserve(count); }
  // Prepends the Ethernet header to an IP or ARP packet and hands it to the device. What the device
  // does not do (a checksum, several buffers, segments) is done here.
  void send(PacketBuf packet, const MacAddress& to, ethernet::Type type);

  // The device is gone: it has no buffers any more, and what is sent is dropped.
  void detach();

  std::span<const Counter> counters() const { return counters_; }
  std::span<const Counter> device_counters() const { return sink_->counters(); }
  void count_copied(bool copied) { ++counters_[copied ? kCopied : kNoMemory]; }
  void count_overflow() { ++counters_[kOverflow]; }
  void count_unfit() { ++counters_[kUnfit]; }
  // The frame's protocol is none that this host speaks.
  void count_unknown_type() { ++counters_[kUnknownType]; }
  std::uint64_t count(Count which) const { return counters_[which].value; }

 private:
  bool device_cuts(Offload::Gso gso) const {
    const sig::NetFeatures& can = config_.features;
    return (gso == Offload::Gso::kTcpV4 ? can.tso4 : can.tso6) && can.tx_checksum && can.gather;
  }
  std::optional<std::uint16_t> untag(Slice& frame, std::uint16_t type);
  ethernet::Type tag(PacketBuf& packet, ethernet::Type type) const;
  void cut(PacketBuf packet);
  void hand_over(PacketBuf packet);

  LinkConfig config_;
  MacAddress sender_;
  FrameSink* sink_;
  std::uint8_t index_;
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::net
