#include "fata/ip/interface.hpp"

#include "fata/wire/checksum.hpp"
#include "fata/wire/segmentation.hpp"

namespace fata::ip {

Interface::Interface(const LinkConfig& config, PacketSink& sink, std::uint8_t index)
    : config_(config),
      sink_(&sink),
      index_(index),
      counters_{Counter{"received"},  Counter{"sent"},         Counter{"bad_frame"},
                Counter{"other_nic"}, Counter{"unknown_type"}, Counter{"no_buffer"},
                Counter{"unfit"},     Counter{"overflow"},     Counter{"copied"},
                Counter{"no_memory"}, Counter{"other_vlan"}} {
  sig::NetFeatures& can = config_.features;
  if (config_.vlan != 0 && !can.offload_tagged)
    can.tx_checksum = can.tso4 = can.tso6 = can.uso = false;
}

std::optional<Interface::Accepted> Interface::accept(Slice& frame) {
  ++counters_[kReceived];
  const auto header = wire::ethernet::Header::parse(frame.bytes());
  if (!header || header->source.is_multicast()) return ++counters_[kBadFrame], std::nullopt;
  LinkCast cast = LinkCast::kUnicast;
  if (header->destination != config_.mac) {
    if (!header->destination.is_multicast()) return ++counters_[kOtherNic], std::nullopt;
    cast = header->destination == MacAddress::broadcast() ? LinkCast::kBroadcast
                                                          : LinkCast::kMulticast;
  }
  sender_ = header->source;
  frame.trim_front(wire::ethernet::kHeaderSize);
  std::uint16_t number = header->type;
  if (number == static_cast<std::uint16_t>(wire::ethernet::Type::kTagged) || config_.vlan != 0)
      [[unlikely]] {
    const auto inner = untag(frame, number);
    if (!inner) return std::nullopt;
    number = *inner;
  }
  const auto type = static_cast<wire::ethernet::Type>(number);
  const bool known = type == wire::ethernet::Type::kIpv4 || type == wire::ethernet::Type::kArp ||
                     type == wire::ethernet::Type::kIpv6;
  if (!known) return ++counters_[kUnknownType], std::nullopt;
  return Accepted{type, cast};
}

// Removes the tag, if any, and returns the type after it. Untagged frames and frames with only a
// priority (VLAN 0, IEEE 802.1Q section 6.9) belong to the untagged interface.
[[clang::minsize]] std::optional<std::uint16_t> Interface::untag(Slice& frame, std::uint16_t type) {
  std::uint16_t vlan = 0;
  if (type == static_cast<std::uint16_t>(wire::ethernet::Type::kTagged)) {
    if (frame.size() < wire::ethernet::kTagSize) return ++counters_[kBadFrame], std::nullopt;
    vlan = load_be<std::uint16_t>(frame.bytes()) & 0xfff;
    type = load_be<std::uint16_t>(frame.bytes().subspan(2));
    frame.trim_front(wire::ethernet::kTagSize);
  }
  if (vlan != config_.vlan) return ++counters_[kOtherVlan], std::nullopt;
  return type;
}

// The tag occupies the frame's type field; the frame's own type follows it.
[[clang::minsize]] wire::ethernet::Type Interface::tag(PacketBuf& packet,
                                                       wire::ethernet::Type type) const {
  const MutableBytes tag = prepend_header(packet, wire::ethernet::kTagSize);
  store_be(tag, config_.vlan);
  store_be(tag.subspan(2), static_cast<std::uint16_t>(type));
  return wire::ethernet::Type::kTagged;
}

void Interface::describe_offloads(Path& path, Offload::Gso gso) const {
  path.checksum = true;
  if (device_cuts(gso)) {
    path.gso_max = config_.features.gso_max;
  } else {
    path.gso_max = 65535;
    path.gso_segments = wire::kSegmentsInSoftware;
  }
}

void Interface::send(PacketBuf packet, const MacAddress& to, wire::ethernet::Type type) {
  if (config_.vlan != 0) [[unlikely]]
    type = tag(packet, type);
  wire::ethernet::Header{to, config_.mac, static_cast<std::uint16_t>(type)}.write(
      prepend_header(packet, wire::ethernet::kHeaderSize));
  const Offload::Gso gso = packet.offload().gso;
  if (gso != Offload::Gso::kNone && !device_cuts(gso)) [[unlikely]]
    return cut(std::move(packet));
  hand_over(std::move(packet));
}

void Interface::cut(PacketBuf packet) {
  for ([[clang::uninitialized]] wire::Segmenter segments(std::move(packet));
       segments.size() != 0;) {
    // TCP detects segments that were not sent and retransmits them.
    PacketBuf segment = allocate(0);
    if (!segment) return;
    if (segment.tailroom() < segments.size()) return void(++counters_[kUnfit]);
    segments.next(segment);
    hand_over(std::move(segment));
  }
}

void Interface::hand_over(PacketBuf packet) {
  if (!packet.chain().empty() && !config_.features.gather) [[unlikely]] {
    for (const Slice& piece : packet.chain().pieces()) {
      if (packet.tailroom() < piece.size()) return void(++counters_[kUnfit]);
      copy_bytes(packet.append(piece.size()), piece.bytes());
    }
    packet.chain().clear();
  }
  if (packet.offload().checksum_needed && !config_.features.tx_checksum) [[unlikely]] {
    wire::finish_checksum(packet.bytes(), packet.offload());
    packet.offload() = {};
  }
  ++counters_[kSent];
  sink_->transmit(std::move(packet));
}

void Interface::detach() {
  static constinit struct Nowhere final : PacketSink {
    PacketBuf allocate(std::size_t) override { return {}; }
    void transmit(PacketBuf) override {}
  } nowhere;
  sink_ = &nowhere;
}

}  // namespace fata::ip
