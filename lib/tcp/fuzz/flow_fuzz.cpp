// Tests the full receive path, from the Ethernet frame to the application, with live connections.
// The host has both families and UDP. For each family, it has a connection that it opened and one
// that its peer opened. The input then acts as their peer: it sends segments (whole, in fragments
// in any order, coalesced or damaged), ICMP errors that quote the host's packets, and raw frames.
// Time passes, and the application writes, reads and closes.
//
// Invariants: every sent frame is well formed, tables and memory stay within their bounds, and no
// buffer is lost.
#include <array>
#include <cstdint>
#include <vector>

#include "fata/base/pool.hpp"
#include "fata/ip/host.hpp"
#include "fata/ip/ipv4/engine.hpp"
#include "fata/ip/ipv6/engine.hpp"
#include "fata/tcp/table.hpp"
#include "fata/udp/table.hpp"
#include "fata/wire/checksum.hpp"
#include "input.hpp"
#include "segments.hpp"

namespace fata::ip {
namespace {

using tcp::fuzz::Input;

constexpr MacAddress kMac{{std::byte{2}, {}, {}, {}, {}, std::byte{1}}};
constexpr MacAddress kPeerMac{{std::byte{2}, {}, {}, {}, {}, std::byte{2}}};
constexpr Ipv4Address kUs4 = Ipv4Address::of(10, 0, 0, 1), kPeer4 = Ipv4Address::of(10, 0, 0, 2);
constexpr IpAddress kUs6 = IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
constexpr IpAddress kPeer6 = IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

using fata::fuzz::require;

struct Deaf final : tcp::Observer {
  void on_events(unsigned) noexcept override {}
};

class World final : public ip::PacketSink, public udp::Port {
 public:
  explicit World(std::uint8_t how)
      : v6_({{1, 2}}),
        host_(&v4_, &v6_),
        udp_(host_),
        tcp_(config(how), {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}, host_) {
    host_.attach(ip::protocol::kUdp, udp_);
    host_.attach(ip::protocol::kTcp, tcp_);
    const bool offload = (how & 1) != 0;
    link_ = host_.add_interface({kMac, 1500, {.tx_checksum = offload, .rx_checksum = offload}},
                                *this, now_);
    require(v4_.add_address(*link_, {kUs4, 24}, now_));
    v6_.autoconfigure(*link_, now_);
    require(v6_.add_address(*link_, {kUs6, 64}, now_) && udp_.bind(*this, {{}, 53}).has_value());
    for (int i = 0; i < 4; ++i) pass(seconds(1));
    listener_ = *tcp_.listen({IpAddress{}, 80}, 4, nullptr);
    for (const bool v6 : {false, true}) open(v6);
  }
  ~World() {
    tcp_.close(listener_, now_);
    for (tcp::Connection* connection : held_) {
      connection->abort(now_);
      tcp_.release(connection, now_);
    }
    for (int i = 0; i < 64 && !tcp_.next_deadline().is_never(); ++i) {
      now_ = std::max(now_, tcp_.next_deadline());
      tcp_.tick(now_);
    }
  }

  // Sends a segment of the peer in its family: whole, or fragmented at offsets chosen by the input.
  void segment(Input& in, bool v6) {
    std::uint8_t which = 0;
    PacketBuf packet = pool_.allocate(ip::kHeadroom);
    if (!packet || !tcp::fuzz::make_segment(in, seen_[v6], now_, packet, which)) return;
    std::array<std::byte, 2048> room;
    const std::size_t size = copy_bytes(room, packet.bytes());
    packet = {};
    const MutableBytes bytes = MutableBytes(room).first(std::min<std::size_t>(size, 1480));
    finish(bytes, v6);
    if ((which & 128) != 0 && in.pick(4) == 0) bytes[in.u8() % bytes.size()] ^= std::byte{1};
    if (in.pick(4) != 0) return datagram(bytes, v6, {}, in.pick(2) != 0);
    for (unsigned pieces = 1 + in.pick(6); pieces != 0; --pieces) {
      const std::size_t from =
          std::min<std::size_t>(std::size_t{in.u8()} * 8, bytes.size() & ~std::size_t{7});
      const std::size_t most = bytes.size() - from;
      const std::size_t count =
          in.pick(2) == 0 ? most : std::min<std::size_t>(most, std::size_t{in.u8()} * 8);
      datagram(bytes.subspan(from, count), v6,
               {.next_header = ip::protocol::kTcp,
                .offset = static_cast<std::uint16_t>(from),
                .more = in.pick(4) == 0 || count != most,
                .identification = in.pick(3)},
               false, true);
    }
  }
  // Sends an error about our last packet in that family.
  void icmp(Input& in, bool v6) {
    std::array<std::byte, 600> room{};
    const std::vector<std::byte>& last = last_[v6];
    const MutableBytes message = MutableBytes(room).first(
        8 + std::min<std::size_t>(last.size(), in.pick(2) != 0 ? 576 : 48));
    message[0] = static_cast<std::byte>(in.pick(4) != 0 ? (v6 ? 1 + in.pick(4) : 3 + 8 * in.pick(2))
                                                        : in.u8());
    message[1] = static_cast<std::byte>(in.pick(16));
    store_be(message.subspan(4),
             v6 ? in.pick(2) != 0 ? std::uint32_t{in.u8()} * 8 : in.u32() : in.u8() * 8U);
    copy_bytes(message.subspan(8), Bytes(last).first(message.size() - 8));
    if (message.size() > 8 && in.pick(4) == 0)
      message[8 + in.u8() % (message.size() - 8)] ^= static_cast<std::byte>(in.u8());
    wire::ChecksumSum sum;
    if (v6) sum.add_pseudo(kPeer6, kUs6, ip::protocol::kIcmpV6, message.size());
    sum.add(message);
    store_be(message.subspan(2), sum.finish());
    packet(message, v6, v6 ? ip::protocol::kIcmpV6 : ip::protocol::kIcmp);
  }
  void raw(Bytes bytes) {
    std::array<std::byte, 1600> room;
    const MutableBytes frame = MutableBytes(room).first(std::min(bytes.size(), room.size()));
    copy_bytes(frame, bytes);
    if (frame.size() >= 14) copy_bytes(frame, kMac.octets);
    give(frame, false);
  }
  void application(Input& in) {
    if (in.pick(4) == 0) {
      if (tcp::Connection* accepted = tcp_.accept(*listener_)) held_.push_back(accepted);
    }
    if (held_.empty()) return;
    const std::uint32_t index = in.pick(static_cast<std::uint32_t>(held_.size()));
    tcp::Connection& connection = *held_[index];
    switch (in.pick(8)) {
      case 0:
        connection.shutdown(now_);
        break;
      case 1:
        tcp_.release(&connection, now_);
        held_.erase(held_.begin() + index);
        break;
      case 2:
      case 3:
      case 4: {
        PacketBuf packet = tcp_.allocate();
        if (!packet) break;
        (void)packet.append(std::min<std::size_t>(packet.tailroom(), in.u8() * 60U));
        for (std::byte& byte : packet.bytes()) byte = std::byte{0x41};
        Slice slice(std::move(packet));
        (void)connection.write(slice, now_);
        connection.push(now_);
        break;
      }
      default:
        while (!connection.read(now_).empty()) {
        }
    }
    tcp_.end_of_batch(now_);
  }
  void pass(Duration time) {
    now_ = now_ + time;
    host_.tick(now_);
    answer_neighbour_questions();
  }
  void end_of_batch() {
    host_.end_of_batch(now_);
    require(tcp_.memory().used() <= tcp_.memory().limit() + 2 * tcp::Memory::kLarge);
    require(v6_.addresses().size() <= ipv6::Engine::kAddresses &&
            v6_.groups().all().size() <= ip::Groups::kMax);
  }

 private:
  static tcp::Config config(std::uint8_t how) {
    tcp::Config config;
    config.memory = (how & 2) != 0 ? 64 << 10 : 1 << 20;
    config.borrowed = (how & 4) != 0 ? 8 << 10 : 64 << 10;
    config.half_open = (how & 8) != 0 ? 2 : 64;
    config.fast_open_server = (how & 16) != 0;
    config.sack = (how & 32) == 0;
    config.timestamps = (how & 64) == 0;
    return config;
  }

  // Performs a real handshake, so that the input starts with established connections.
  void open(bool v6) {
    const Endpoint to{v6 ? kPeer6 : IpAddress(kPeer4), 80};
    const auto connection = tcp_.connect({}, to, {}, &deaf_, now_);
    require(connection.has_value());
    held_.push_back(*connection);
    // The neighbour answers each request at once.
    for (int i = 0; i < 3; ++i) pass(milliseconds(10));
    require((*connection)->state() == tcp::State::kSynSent);
    wire::tcp::Header answer;
    answer.source_port = 80;
    answer.destination_port = seen_[v6].port;
    answer.flags = wire::tcp::kSyn | wire::tcp::kAck;
    answer.seq = 1000;
    answer.ack = seen_[v6].nxt + 1;
    answer.window = 65535;
    answer.options.mss = 1400;
    answer.options.sack_permitted = true;
    std::array<std::byte, 60> room{};
    const MutableBytes bytes =
        MutableBytes(room).first(wire::tcp::kHeaderSize + answer.options.size());
    answer.write(bytes);
    finish(bytes, v6);
    datagram(bytes, v6, {}, false);
    end_of_batch();
    require((*connection)->state() == tcp::State::kEstablished);
  }

  static void finish(MutableBytes segment, bool v6) {
    store_be(segment.subspan(16), std::uint16_t{0});
    wire::ChecksumSum sum;
    if (v6) {
      sum.add_pseudo(kPeer6, kUs6, ip::protocol::kTcp, segment.size());
    } else {
      sum.add_pseudo(kPeer4, kUs4, ip::protocol::kTcp, segment.size());
    }
    sum.add(segment);
    store_be(segment.subspan(16), sum.finish());
  }
  void packet(Bytes payload, bool v6, std::uint8_t protocol) {
    datagram(payload, v6, {.next_header = protocol}, false);
  }
  void datagram(Bytes payload, bool v6, wire::ipv6::FragmentHeader fragment, bool vouched,
                bool is_fragment = false) {
    if (fragment.next_header == 0) fragment.next_header = ip::protocol::kTcp;
    std::array<std::byte, 1700> room{};
    const MutableBytes frame(room);
    wire::ethernet::Header{kMac, kPeerMac, static_cast<std::uint16_t>(v6 ? 0x86dd : 0x0800)}.write(
        frame);
    const MutableBytes ip = frame.subspan(14);
    std::size_t size = v6 ? wire::ipv6::kHeaderSize : wire::ipv4::kHeaderSize;
    if (v6) {
      const std::size_t extra = is_fragment ? wire::ipv6::kFragmentHeaderSize : 0;
      wire::ipv6::Header header;
      header.source = kPeer6;
      header.destination = kUs6;
      header.next_header = is_fragment ? std::uint8_t{44} : fragment.next_header;
      header.hop_limit = 64;
      header.payload_length = static_cast<std::uint16_t>(payload.size() + extra);
      header.write(ip);
      if (is_fragment) fragment.write(ip.subspan(size));
      size += extra;
    } else {
      wire::ipv4::Header header;
      header.source = kPeer4;
      header.destination = kUs4;
      header.protocol = fragment.next_header;
      header.total_length = static_cast<std::uint16_t>(size + payload.size());
      header.more_fragments = is_fragment && fragment.more;
      header.fragment_offset = is_fragment ? fragment.offset : std::uint16_t{0};
      header.identification = static_cast<std::uint16_t>(fragment.identification);
      header.write(ip);
    }
    copy_bytes(ip.subspan(size), payload);
    give(frame.first(14 + size + payload.size()), vouched);
  }
  void give(Bytes bytes, bool vouched) {
    PacketBuf packet = pool_.copy(bytes);
    if (packet)
      host_.receive(*link_, {Slice(std::move(packet)), {}, {.checksum_valid = vouched}}, now_);
    answer_neighbour_questions();
  }

  void answer_neighbour_questions() {
    while (!questions_.empty()) {
      const std::vector<std::byte> question = std::move(questions_.back());
      questions_.pop_back();
      std::array<std::byte, 86> room{};
      if (load_be<std::uint16_t>(Bytes(question).subspan(12)) == 0x0806) {
        const MutableBytes frame = MutableBytes(room).first(42);
        copy_bytes(frame, question);
        copy_bytes(frame, kMac.octets);
        copy_bytes(frame.subspan(6), kPeerMac.octets);
        store_be(frame.subspan(20), std::uint16_t{2});
        copy_bytes(frame.subspan(22), kPeerMac.octets);
        store_be(frame.subspan(28), kPeer4.value);
        copy_bytes(frame.subspan(32), kMac.octets);
        store_be(frame.subspan(38), kUs4.value);
        give(frame, false);
        continue;
      }
      // A solicited neighbour advertisement with its link-layer address.
      const MutableBytes message = MutableBytes(room).first(32);
      message[0] = std::byte{136};
      message[4] = std::byte{0x60};
      copy_bytes(message.subspan(8), kPeer6.octets());
      message[24] = std::byte{2};
      message[25] = std::byte{1};
      copy_bytes(message.subspan(26), kPeerMac.octets);
      wire::ChecksumSum sum;
      sum.add_pseudo(kPeer6, kUs6, ip::protocol::kIcmpV6, message.size());
      sum.add(message);
      store_be(message.subspan(2), sum.finish());
      std::array<std::byte, 86> whole{};
      const MutableBytes frame(whole);
      wire::ethernet::Header{kMac, kPeerMac, 0x86dd}.write(frame);
      wire::ipv6::Header header;
      header.source = kPeer6;
      header.destination = kUs6;
      header.next_header = ip::protocol::kIcmpV6;
      header.hop_limit = 255;
      header.payload_length = 32;
      header.write(frame.subspan(14));
      copy_bytes(frame.subspan(54), message);
      give(frame, false);
    }
  }

  PacketBuf allocate(std::size_t headroom) override { return pool_.allocate(headroom); }
  void deliver(sig::RxDatagram&&, Instant) override {}
  void error(udp::SocketErrc, const Endpoint&) override {}
  void transmit(PacketBuf frame) override {
    wire::finish_checksum(frame.bytes(), frame.offload());
    std::vector<std::byte> bytes(frame.bytes().begin(), frame.bytes().end());
    for (const Slice& piece : frame.chain().pieces())
      bytes.insert(bytes.end(), piece.bytes().begin(), piece.bytes().end());
    const auto ethernet = wire::ethernet::Header::parse(bytes);
    require(ethernet && ethernet->source == kMac && bytes.size() <= 1514);
    const Bytes ip = Bytes(bytes).subspan(14);
    if (ethernet->type == 0x0806) {
      const auto asked = wire::arp::Packet::parse(ip);
      require(asked.has_value());
      if (asked->operation == wire::arp::kRequest && asked->target == kPeer4)
        questions_.push_back(std::move(bytes));
      return;
    }
    const bool v6 = ethernet->type == 0x86dd;
    IpAddress source, destination;
    std::uint8_t protocol = 0;
    Bytes inner;
    if (v6) {
      const auto header = wire::ipv6::Header::parse(ip, ip.size());
      require(header && header->payload_length + wire::ipv6::kHeaderSize == ip.size());
      const wire::ipv6::Walk walk = wire::ipv6::walk_headers(ip, header->next_header);
      require(walk.end == wire::ipv6::Walk::End::kUpper ||
              walk.end == wire::ipv6::Walk::End::kFragment);
      if (walk.end == wire::ipv6::Walk::End::kFragment) return;
      source = header->source, destination = header->destination, protocol = walk.next_header;
      inner = ip.subspan(walk.offset);
      if (protocol == ip::protocol::kIcmpV6 && inner[0] == std::byte{135}) {
        if (std::ranges::equal(inner.subspan(8, 16), kPeer6.octets()))
          questions_.push_back(std::move(bytes));
        return;
      }
    } else {
      require(ethernet->type == 0x0800);
      const auto header = wire::ipv4::Header::parse(ip);
      require(header && header->total_length == ip.size());
      if (header->is_fragment()) return;
      source = header->source, destination = header->destination, protocol = header->protocol;
      inner = ip.subspan(header->header_length);
    }
    if (protocol != ip::protocol::kTcp) return;
    require(wire::tcp::checksum_holds(source, destination, inner, {}));
    const auto segment = wire::tcp::Header::parse(inner);
    require(segment.has_value());
    last_[v6].assign(ip.begin(), ip.end());
    if (destination == kPeer6 || destination == IpAddress(kPeer4))
      seen_[v6].take(*segment, inner.size() - segment->header_length);
  }

  BufferPool pool_{256, 2048};
  Instant now_ = Instant{} + seconds(10);
  std::array<tcp::fuzz::Seen, 2> seen_;  // by family
  std::array<std::vector<std::byte>, 2> last_;
  std::vector<std::vector<std::byte>> questions_;
  ipv4::Engine v4_;
  ipv6::Engine v6_;
  ip::Host host_;
  udp::Table udp_;
  Deaf deaf_;
  tcp::Table tcp_;
  ip::Interface* link_ = nullptr;
  tcp::Listener* listener_ = nullptr;
  std::vector<tcp::Connection*> held_;
};

}  // namespace
}  // namespace fata::ip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fata;
  tcp::fuzz::Input in(std::as_bytes(danger_span(data, size)));
  ip::World world(in.u8());
  for (unsigned steps = 0; steps < 300 && in.more(); ++steps) {
    const std::uint32_t what = in.pick(16);
    const bool v6 = in.pick(2) != 0;
    switch (what) {
      case 0:
        world.pass(milliseconds(in.u8() * 10));
        break;
      case 1:
        world.pass(seconds(in.u8()));
        break;
      case 2:
      case 3:
        world.icmp(in, v6);
        break;
      case 4:
        world.raw(in.take(in.u8()));
        break;
      case 5:
      case 6:
      case 7:
        world.application(in);
        break;
      default:
        world.segment(in, v6);
    }
    if (in.pick(2) != 0) world.end_of_batch();
  }
  return 0;  // the pool's destructor checks that every buffer was recycled
}
