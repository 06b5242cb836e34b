// Tests the IPv6 receive path: passes frames from a hostile link, and time, to a host that
// configures itself.
//
// The input is a list of steps: a byte that selects the action, a length, and that many bytes. Half
// of the frames get correct addresses and checksums, so that they reach neighbour discovery, router
// advertisements, reassembly and UDP. Everything that the host sends must be valid, tables must
// stay bounded, and no buffer may be lost.
#include <cstdint>

#include "fata/base/pool.hpp"
#include "fata/ip/host.hpp"
#include "fata/ip/ipv6/engine.hpp"
#include "fata/udp/table.hpp"
#include "fata/wire/checksum.hpp"
#include "input.hpp"

namespace fata::ip {
namespace {

constexpr MacAddress kMac{{std::byte{2}, {}, {}, {}, {}, std::byte{1}}};
constexpr IpAddress kAddress = IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

using fata::fuzz::require;

class World final : public PacketSink, public udp::Port {
 public:
  World() : v6_({{1, 2}}), host_(nullptr, &v6_), udp_(host_) {
    host_.attach(protocol::kUdp, udp_);
    link_ = host_.add_interface({kMac, 1500, {}}, *this, now_);
    v6_.autoconfigure(*link_, now_);
    require(v6_.add_address(*link_, {kAddress, 64}, now_) &&
            udp_.bind(*this, {{}, 53}).has_value());
    for (int i = 0; i < 4; ++i) pass(seconds(1));
  }
  void frame(Bytes bytes) {
    PacketBuf packet = pool_.copy(bytes);
    if (!packet) return;
    sent_ = 0;
    host_.receive(*link_, {Slice(std::move(packet)), {}, {}}, now_);
    // A newly resolved neighbour releases 32 packets of 128 KiB in total, in fragments.
    require(sent_ <= 160);
    require(v6_.addresses().size() <= ipv6::Engine::kAddresses &&
            v6_.groups().all().size() <= Groups::kMax);
  }
  void pass(Duration time) {
    now_ = now_ + time;
    host_.tick(now_);
  }
  void send(Bytes to, std::size_t size) {
    std::array<std::byte, 16> octets{};
    copy_bytes(octets, to);
    sig::TxDatagram datagram{{IpAddress(octets), 7}, {}, udp_.allocate()};
    if (!datagram.payload) return;
    (void)datagram.payload.append(std::min(size, datagram.payload.tailroom()));
    udp_.send(std::move(datagram), *this, now_);
  }

 private:
  PacketBuf allocate(std::size_t headroom) override { return pool_.allocate(headroom); }
  void deliver(sig::RxDatagram&& datagram, Instant) override {
    require(datagram.payload.size() <= 65535);
  }
  void error(udp::SocketErrc, const Endpoint&) override {}
  void transmit(PacketBuf frame) override {
    ++sent_;
    const Bytes bytes = frame.bytes();
    const auto ethernet = wire::ethernet::Header::parse(bytes);
    require(ethernet && ethernet->source == kMac && ethernet->type == 0x86dd &&
            bytes.size() <= 1514);
    const Bytes packet = bytes.subspan(wire::ethernet::kHeaderSize);
    const auto header = wire::ipv6::Header::parse(packet, packet.size());
    require(header && header->payload_length + wire::ipv6::kHeaderSize == packet.size() &&
            header->hop_limit != 0);
    require(!header->source.is_multicast() && !header->destination.is_any());
    const wire::ipv6::Walk walk = wire::ipv6::walk_headers(packet, header->next_header);
    require(walk.end == wire::ipv6::Walk::End::kUpper ||
            walk.end == wire::ipv6::Walk::End::kFragment);
    if (walk.end == wire::ipv6::Walk::End::kFragment) return;
    wire::ChecksumSum sum;
    sum.add_pseudo(header->source, header->destination, walk.next_header,
                   packet.size() - walk.offset);
    sum.add(packet.subspan(walk.offset));
    require(sum.finish() == 0);
  }

  BufferPool pool_{48, 2048};
  Instant now_ = Instant{} + seconds(10);
  ipv6::Engine v6_;
  Host host_;
  udp::Table udp_;
  Interface* link_ = nullptr;
  std::size_t sent_ = 0;
};

// Fixes addresses, length and checksum, so that a frame reaches deep code.
void mend(MutableBytes frame, bool to_group) {
  if (frame.size() < 14 + 48) return;
  copy_bytes(frame.first(6), kMac.octets);
  frame[6] &= std::byte{0xfe};
  store_be(frame.subspan(12), std::uint16_t{0x86dd});
  const MutableBytes ip = frame.subspan(14);
  ip[0] = std::byte{0x60};
  store_be(ip.subspan(4), static_cast<std::uint16_t>(ip.size() - 40));
  copy_bytes(ip.subspan(24, 16), to_group ? wire::ipv6::kAllNodes.octets() : kAddress.octets());
  const wire::ipv6::Walk walk = wire::ipv6::walk_headers(ip, static_cast<std::uint8_t>(ip[6]));
  if (walk.end != wire::ipv6::Walk::End::kUpper || ip.size() < walk.offset + 8) return;
  const std::size_t at = walk.offset + (walk.next_header == protocol::kUdp ? 6 : 2);
  const auto header = wire::ipv6::Header::parse_quoted(ip);
  store_be(ip.subspan(at), std::uint16_t{0});
  wire::ChecksumSum sum;
  sum.add_pseudo(header->source, header->destination, walk.next_header, ip.size() - walk.offset);
  sum.add(ip.subspan(walk.offset));
  store_be(ip.subspan(at), sum.finish());
}

}  // namespace
}  // namespace fata::ip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fata;
  ByteReader in(std::as_bytes(danger_span(data, size)));
  ip::World world;
  for (unsigned steps = 0; steps < 200 && !in.at_end(); ++steps) {
    const std::uint8_t what = in.u8();
    const std::size_t length = std::min<std::size_t>(in.u16(), in.remaining());
    const Bytes bytes = in.take(length);
    switch (what % 4) {
      case 0:
      case 1: {
        std::array<std::byte, 1600> room;
        const MutableBytes frame = MutableBytes(room).first(std::min(length, room.size()));
        copy_bytes(frame, bytes);
        if (what % 4 == 1) ip::mend(frame, (what & 64) != 0);
        world.frame(frame);
        break;
      }
      case 2:
        world.pass(milliseconds(static_cast<std::int64_t>(length) * 100));
        break;
      default:
        world.send(bytes, length * 8);
    }
  }
  return 0;  // the pool's destructor checks that every buffer was recycled
}
