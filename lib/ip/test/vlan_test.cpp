// Interfaces in a VLAN (IEEE 802.1Q): received and sent frames, and untagged interfaces next to
// them.
#include "fata/wire/segmentation.hpp"
#include "nodes.hpp"

namespace fata::ip {
namespace {

Frame tagged(const Frame& frame, std::uint16_t control) {
  Frame tag(4);
  store_be(MutableBytes(tag), std::uint16_t{0x8100});
  store_be(MutableBytes(tag).subspan(2), control);
  Frame made(frame.begin(), frame.begin() + 12);
  return made + tag + Frame(frame.begin() + 12, frame.end());
}
Frame untagged(const Frame& frame) {
  return Frame(frame.begin(), frame.begin() + 12) + Frame(frame.begin() + 16, frame.end());
}

struct Sink final : PacketSink {
  PacketBuf allocate(std::size_t headroom) override { return pool.allocate(headroom); }
  void transmit(PacketBuf frame) override { sent.push_back(std::move(frame)); }
  BufferPool pool{64, 2048};
  std::vector<PacketBuf> sent;
};

std::optional<Interface::Accepted> offer(Interface& interface, Sink& sink, const Frame& frame) {
  Slice slice(sink.pool.copy(frame));
  const auto accepted = interface.accept(slice);
  if (accepted && accepted->type == wire::ethernet::Type::kIpv4) {
    EXPECT_EQ(static_cast<std::uint8_t>(slice.bytes()[0]), 0x45)
        << "the packet begins behind the tag";
  }
  return accepted;
}

TEST(Vlan, AnInterfaceTakesTheFramesOfItsOwnVlanOnly) {
  const Frame frame = udp_frame(53);
  Frame cut = tagged(frame, 7);
  cut.resize(14);
  struct Case {
    const char* what;
    Frame frame;
    bool by_untagged, by_seven;
  };
  for (const Case& each :
       {Case{"untagged", frame, true, false},
        {"priority-tagged", tagged(frame, 0), true, false},
        {"priority-tagged, priority 7", tagged(frame, 0xe000), true, false},
        {"VLAN 7", tagged(frame, 7), false, true},
        {"VLAN 7, priority 5, may be dropped", tagged(frame, 0xb007), false, true},
        {"VLAN 8", tagged(frame, 8), false, false},
        {"VLAN 4095", tagged(frame, 4095), false, false},
        {"VLAN 7 in VLAN 7", tagged(tagged(frame, 7), 7), false, false},
        {"cut in its tag", cut, false, false}}) {
    Sink sink;
    Interface plain({mac(1), 1500, {}}, sink, 0), seven({mac(1), 1500, {}, 7}, sink, 1);
    EXPECT_EQ(offer(plain, sink, each.frame).has_value(), each.by_untagged) << each.what;
    EXPECT_EQ(offer(seven, sink, each.frame).has_value(), each.by_seven) << each.what;
    for (const auto& [interface, taken] :
         {std::pair(&plain, each.by_untagged), {&seven, each.by_seven}}) {
      std::uint64_t dropped = 0;
      for (const auto which :
           {Interface::kOtherVlan, Interface::kBadFrame, Interface::kUnknownType})
        dropped += interface->count(which);
      EXPECT_EQ(dropped, taken ? 0u : 1u) << each.what << ": what is dropped is counted";
    }
  }
}

// Two hosts in a VLAN exchange datagrams of both families; all their frames are tagged.
TEST(Vlan, FramesOfEveryProtocolGoOutTagged) {
  struct Tagged final : PacketSink {
    explicit Tagged(std::uint8_t last)
        : v6({{last, 7}, 100, 1}),
          host(&v4, &v6),
          link(host.add_interface({mac(last), 1500, {}, 42}, *this, now)) {
      v4.add_address(*link, {v4_address(last), 24}, now);
      v6.add_address(*link, {IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, last), 64}, now);
    }
    PacketBuf allocate(std::size_t headroom) override { return pool.allocate(headroom); }
    void transmit(PacketBuf frame) override {
      wire::finish_checksum(frame.bytes(), frame.offload());
      sent.emplace_back(std::as_const(frame).bytes().begin(), std::as_const(frame).bytes().end());
    }
    BufferPool pool{64, 2048};
    Instant now = Instant{} + seconds(100);
    std::vector<Frame> sent;
    ipv4::Engine v4;
    ipv6::Engine v6;
    Host host;
    Interface* link;
  };
  Tagged a(1), b(2);
  std::size_t carried = 0, pings = 0;
  const auto exchange = [&] {
    for (bool any = true; any;) {
      any = false;
      for (const auto& [from, to] : {std::pair(&a, &b), {&b, &a}}) {
        for (const Frame& frame : std::exchange(from->sent, {})) {
          any = true;
          ++carried;
          EXPECT_EQ(load_be<std::uint32_t>(Bytes(frame).subspan(12)), 0x8100002au);
          pings += frame[18] == std::byte{0x45} ? 1 : 0;
          to->host.receive(*to->link, {Slice(to->pool.copy(frame)), {}, {}}, to->now);
        }
      }
    }
  };
  for (int i = 0; i < 50; ++i) {
    for (Tagged* each : {&a, &b}) each->host.tick(each->now = each->now + milliseconds(100));
    exchange();
  }
  for (const IpAddress& to : {IpAddress(v4_address(2)), v6("2001:db8::2")}) {
    PacketBuf ping = a.host.allocate();
    const Frame echo = to.is_v4() ? icmp_message(8, 0, text("0001hello")) : Frame();
    if (to.is_v4()) {
      copy_bytes(ping.append(echo.size()), echo);
      a.host.send(std::move(ping), {}, to, protocol::kIcmp, {}, true, a.now);
    } else {
      const Frame packet =
          icmp6_frame({.from = v6("2001:db8::1"), .to = to}, 128, 0, text("0001hello"));
      copy_bytes(ping.append(packet.size() - 54), Bytes(packet).subspan(54));
      a.host.send(std::move(ping), {}, to, protocol::kIcmpV6, {}, true, a.now);
    }
    exchange();
  }
  EXPECT_GT(carried, 10u);
  EXPECT_EQ(b.host.count("echo_replies"), 1u);
  EXPECT_EQ(b.host.count("v6_echo_replies"), 1u);
  EXPECT_GE(pings, 2u);
  EXPECT_EQ(a.host.count("other_vlan") + b.host.count("other_vlan"), 0u);
}

// A TCP packet of three segments as TCP passes it down: IPv4, with 20 bytes of TCP header and 2500
// of data.
PacketBuf large(Sink& sink) {
  PacketBuf packet = sink.pool.allocate(kHeadroom);
  const MutableBytes all = packet.append(40 + 1200);
  wire::ipv4::Header header;
  header.source = v4_address(1);
  header.destination = v4_address(2);
  header.protocol = protocol::kTcp;
  header.total_length = 40 + 2500;
  header.dont_fragment = true;
  header.write(all);
  all[32] = std::byte{0x50};
  for (std::size_t i = 40; i < all.size(); ++i) all[i] = static_cast<std::byte>(i);
  PacketBuf rest = sink.pool.allocate();
  for (std::size_t i = 0; i < 1300; ++i) rest.append(1)[0] = static_cast<std::byte>(i * 7);
  packet.chain().push(Slice(std::move(rest)));
  wire::ChecksumSum pseudo;
  pseudo.add_pseudo(v4_address(1), v4_address(2), protocol::kTcp, 2520);
  store_be(all.subspan(36), pseudo.partial());
  packet.offload() = {.checksum_needed = true,
                      .gso = Offload::Gso::kTcpV4,
                      .checksum_start = 20,
                      .checksum_offset = 16,
                      .gso_size = 1000,
                      .header_length = 40};
  return packet;
}

TEST(Vlan, OffloadsOfTaggedFramesMoveWithTheTagOrAreDoneInSoftware) {
  const auto frames = [](sig::NetFeatures features, std::uint16_t vlan) {
    Sink sink;
    Interface interface({mac(1), 1500, features, vlan}, sink, 0);
    interface.send(large(sink), mac(2), wire::ethernet::Type::kIpv4);
    std::vector<std::pair<Frame, Offload>> made;
    for (PacketBuf& each : sink.sent) {
      Frame all(std::as_const(each).bytes().begin(), std::as_const(each).bytes().end());
      for (const Slice& piece : each.chain().pieces())
        all.insert(all.end(), piece.bytes().begin(), piece.bytes().end());
      made.emplace_back(all, each.offload());
    }
    return made;
  };
  const sig::NetFeatures none,
      cuts{.tx_checksum = true, .tso4 = true, .tso6 = true, .gather = true};
  sig::NetFeatures untagged_only = cuts, sums = cuts;
  untagged_only.offload_tagged = false;
  sums.tso4 = false;

  const auto plain = frames(none, 0);
  ASSERT_EQ(plain.size(), 3u);
  for (const auto& features : {none, untagged_only, sums}) {
    const auto made = frames(features, 7);
    ASSERT_EQ(made.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(made[i].second.checksum_needed, features.tx_checksum && features.offload_tagged);
      Frame frame = made[i].first;
      wire::finish_checksum(frame, made[i].second);
      EXPECT_EQ(frame, tagged(plain[i].first, 7)) << i;
    }
  }
  const auto whole = frames(cuts, 7);
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].second.checksum_start, 18 + 20);
  EXPECT_EQ(whole[0].second.header_length, 18 + 40);
  EXPECT_EQ(whole[0].second.gso_size, 1000);
  EXPECT_EQ(untagged(whole[0].first), frames(cuts, 0)[0].first);
}

}  // namespace
}  // namespace fata::ip
