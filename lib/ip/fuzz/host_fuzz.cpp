// Tests the receive path: passes frames from a hostile network, and time, to a Host.
//
// The input is a list of steps: a byte that selects the action, a length, and that many bytes (see
// corpus/). Everything that the host sends must be valid, and no buffer may be lost.
#include <cstdint>

#include "fata/base/pool.hpp"
#include "fata/ip/host.hpp"
#include "fata/ip/ipv4/engine.hpp"
#include "fata/udp/table.hpp"
#include "fata/wire/checksum.hpp"
#include "input.hpp"

namespace fata::ip {
namespace {

constexpr MacAddress kMac{{std::byte{2}, {}, {}, {}, {}, std::byte{1}}};
constexpr Ipv4Cidr kAddress{Ipv4Address::of(10, 0, 0, 1), 24};
constexpr Ipv4Address kGateway = Ipv4Address::of(10, 0, 0, 254);

using fata::fuzz::require;

class World final : public PacketSink, public udp::Port {
 public:
  World(bool offload, std::uint16_t vlan) : host_(&v4_, nullptr), udp_(host_), vlan_(vlan) {
    host_.attach(protocol::kUdp, udp_);
    link_ = host_.add_interface({kMac, 1500, {.tx_checksum = offload}, vlan}, *this, now_);
    require(v4_.add_address(*link_, kAddress, now_));
    v4_.routes().add({{{}, 0}, kGateway});
    require(udp_.bind(*this, {{}, 53}).has_value());
  }

  void frame(Bytes bytes, bool vouched) {
    PacketBuf packet = pool_.copy(bytes);
    if (!packet) return;
    sent_ = 0;
    host_.receive(*link_, {Slice(std::move(packet)), {}, {.checksum_valid = vouched}}, now_);
    // A newly resolved neighbour releases 32 packets of 128 KiB in total, in fragments.
    require(sent_ <= 160);
  }
  void pass(Duration time) {
    now_ = now_ + time;
    sent_ = 0;
    host_.tick(now_);
    require(sent_ <= arp::Cache::kEntries + Loopback::kMax + 64);
  }
  void send(Ipv4Address to, std::uint16_t port, std::size_t size) {
    sig::TxDatagram datagram{{to, port}, {}, udp_.allocate()};
    if (!datagram.payload) return;
    (void)datagram.payload.append(std::min(size, datagram.payload.tailroom()));
    sent_ = 0;
    udp_.send(std::move(datagram), *this, now_);
    require(sent_ <= 3);  // the datagram in two fragments, and an ARP request
  }
  void answer() {
    for (std::size_t i = 0; i < kept_; ++i) {
      queue_[i] = {};
    }
    kept_ = 0;
  }
  BufferPool& pool() { return pool_; }

 private:
  PacketBuf allocate(std::size_t headroom) override { return pool_.allocate(headroom); }
  void deliver(sig::RxDatagram&& datagram, Instant) override {
    require(datagram.source.address.is_v4() && datagram.payload.size() <= 2048);
    if (kept_ < queue_.size()) queue_[kept_++] = std::move(datagram);
  }
  void error(udp::SocketErrc, const Endpoint&) override {}
  void transmit(PacketBuf frame) override {
    ++sent_;
    wire::finish_checksum(frame.bytes(), frame.offload());
    if (vlan_ != 0) {
      const MutableBytes all = frame.bytes();
      require(load_be<std::uint16_t>(all.subspan(12)) == 0x8100 &&
              load_be<std::uint16_t>(all.subspan(14)) == vlan_);
      std::array<std::byte, 12> macs;
      copy_bytes(macs, all.first(12));
      frame.trim_front(wire::ethernet::kTagSize);
      copy_bytes(frame.bytes(), macs);
    }
    const Bytes bytes = frame.bytes();
    const auto ethernet = wire::ethernet::Header::parse(bytes);
    require(ethernet && ethernet->source == kMac && bytes.size() <= 1514);
    const Bytes payload = bytes.subspan(wire::ethernet::kHeaderSize);
    if (ethernet->type == 0x0806) {
      const auto packet = wire::arp::Packet::parse(payload);
      require(packet && packet->sender == kAddress.address && packet->sender_mac == kMac);
      require(packet->operation == wire::arp::kRequest || packet->operation == wire::arp::kReply);
      return;
    }
    require(ethernet->type == 0x0800);
    const auto ip = wire::ipv4::Header::parse(payload);
    require(ip && ip->source == kAddress.address && ip->total_length == payload.size());
    if (ip->is_fragment()) return;
    require(!ip->destination.is_any() && ip->ttl != 0);
    const Bytes inner = payload.subspan(ip->header_length);
    if (ip->protocol == wire::ipv4::kUdp) {
      require(wire::udp::Header::parse(inner, ip->source, ip->destination, {}).has_value());
    } else {
      require(ip->protocol == wire::ipv4::kIcmp);
      const auto icmp = wire::icmp::Header::parse(inner);
      require(icmp &&
              (icmp->type == wire::icmp::kEchoReply || icmp->type == wire::icmp::kUnreachable ||
               icmp->type == wire::icmp::kTimeExceeded));
    }
  }

  BufferPool pool_{24, 2048};  // few, so that they run out
  Instant now_ = Instant{} + seconds(10);
  ipv4::Engine v4_;
  std::size_t kept_ = 0;
  std::size_t sent_ = 0;
  Host host_;
  udp::Table udp_;
  std::uint16_t vlan_;
  Interface* link_ = nullptr;
  std::array<sig::RxDatagram, 8> queue_;
};

// Fixes addresses and checksums, so that a frame reaches deep code.
void mend(MutableBytes frame) {
  if (frame.size() < wire::ethernet::kHeaderSize + wire::ipv4::kHeaderSize) return;
  if ((frame[0] & std::byte{1}) == std::byte{0}) copy_bytes(frame.first(6), kMac.octets);
  const MutableBytes ip = frame.subspan(wire::ethernet::kHeaderSize);
  const std::size_t header = static_cast<std::size_t>(ip[0] & std::byte{15}) * 4;
  if (load_be<std::uint16_t>(frame.subspan(12)) != 0x0800 || header < 20 || header > ip.size())
    return;
  store_be(ip.subspan(10), std::uint16_t{0});
  store_be(ip.subspan(10), wire::checksum(ip.first(header)));
  const std::size_t total = load_be<std::uint16_t>(ip.subspan(2));
  if (total < header + 8 || total > ip.size()) return;
  const MutableBytes inner = ip.subspan(header, total - header);
  if (ip[9] == std::byte{wire::ipv4::kIcmp}) {
    store_be(inner.subspan(2), std::uint16_t{0});
    store_be(inner.subspan(2), wire::checksum(inner));
  } else if (ip[9] == std::byte{wire::ipv4::kUdp}) {
    store_be(inner.subspan(6), std::uint16_t{0});  // no checksum
  }
}

}  // namespace
}  // namespace fata::ip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fata;
  ByteReader in(std::as_bytes(danger_span(data, size)));
  const std::uint8_t how = in.u8();
  ip::World world((how & 1) != 0, (how & 2) != 0 ? 7 : 0);
  for (unsigned steps = 0; steps < 200 && !in.at_end(); ++steps) {
    const std::uint8_t what = in.u8();
    const std::size_t length = std::min<std::size_t>(in.u16(), in.remaining());
    const Bytes bytes = in.take(length);
    switch (what % 6) {
      case 0:
      case 1: {
        std::array<std::byte, 1600> room;
        const MutableBytes frame = MutableBytes(room).first(std::min(length, room.size()));
        copy_bytes(frame, bytes);
        if (what % 6 == 1) ip::mend(frame);
        world.frame(frame, (what & 64) != 0);
        // Sends it again, in a VLAN or with only a priority.
        if ((what & 128) != 0 && frame.size() > 14) {
          std::array<std::byte, 1604> tagged;
          copy_bytes(tagged, frame.first(12));
          store_be(MutableBytes(tagged).subspan(12), std::uint16_t{0x8100});
          store_be(MutableBytes(tagged).subspan(14),
                   static_cast<std::uint16_t>((how & 2) != 0 ? 0xe007 : 0xe000));
          copy_bytes(MutableBytes(tagged).subspan(16), frame.subspan(12));
          world.frame(Bytes(tagged).first(frame.size() + 4), false);
        }
        break;
      }
      case 2:
        world.pass(milliseconds(static_cast<std::int64_t>(length) * 10));
        break;
      case 3:
        world.pass(seconds(static_cast<std::int64_t>(length)));
        break;
      case 4: {
        ByteReader to(bytes);
        const Ipv4Address address{to.u32()};
        const std::uint16_t port = to.u16();
        world.send(address, port, to.u16());
        break;
      }
      default:
        world.answer();
    }
  }
  ip::require(world.pool().available() <= world.pool().count());
  return 0;  // the pool's destructor checks that every buffer was recycled
}
