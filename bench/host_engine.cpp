// The host engine with UDP in memory: the time of one datagram that is received, delivered to a
// port, answered and sent, over IPv4 and IPv6, without a device and without coroutines.
//   host_engine_bench [DATAGRAMS]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "fata/base/pool.hpp"
#include "fata/ip/arp.hpp"
#include "fata/ip/host.hpp"
#include "fata/ip/ipv4/engine.hpp"
#include "fata/ip/ipv6/engine.hpp"
#include "fata/udp/table.hpp"
#include "fata/wire/checksum.hpp"

namespace {

using namespace fata;
using namespace fata::ip;

constexpr MacAddress kOwnMac{
    {std::byte{2}, std::byte{}, std::byte{}, std::byte{}, std::byte{}, std::byte{1}}};
constexpr MacAddress kPeerMac{
    {std::byte{2}, std::byte{}, std::byte{}, std::byte{}, std::byte{}, std::byte{2}}};
constexpr std::uint16_t kPort = 53, kPeerPort = 4000;
constexpr std::size_t kQuery = 40, kAnswer = 60, kBatch = 64;
const IpAddress kOwn6 = IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const IpAddress kPeer6 = IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
constexpr Ipv4Address kOwn4 = Ipv4Address::of(10, 0, 0, 1);
constexpr Ipv4Address kPeer4 = Ipv4Address::of(10, 0, 0, 2);

struct Sink final : PacketSink {
  PacketBuf allocate(std::size_t headroom) override { return pool.allocate(headroom); }
  void transmit(PacketBuf frame) override {
    ++sent;
    last = std::move(frame);
  }
  BufferPool pool{256, 2048};
  PacketBuf last;
  std::size_t sent = 0;
};

struct Server final : udp::Port {
  explicit Server(udp::Table& table) : table(&table) { ignore_path(); }
  void deliver(sig::RxDatagram&& given, Instant now) override {
    const sig::RxDatagram query = std::move(given);
    PacketBuf answer = table->allocate();
    (void)answer.append(kAnswer);
    table->send({query.source, query.destination, std::move(answer)}, *this, now);
  }
  void error(udp::SocketErrc, const Endpoint&) override {}
  udp::Table* table;
};

struct Bench {
  Bench() {
    host.attach(protocol::kUdp, table);
    LinkConfig config{.mac = kOwnMac};
    config.features.tx_checksum = true;
    on = host.add_interface(config, sink, now);
    v4.add_address(*on, {kOwn4, 24}, now);
    v6.start(*on, now);
    v6.add_address(*on, {kOwn6, 64}, now);
    (void)table.bind(port, {{}, kPort});
  }

  void receive(PacketBuf frame) {
    sig::RxFrame in;
    in.offload.checksum_valid = true;
    in.frame = Slice(std::move(frame));
    host.receive(*on, std::move(in), now);
  }
  // The peer's query as the device delivers it.
  PacketBuf query(bool six) {
    PacketBuf packet = sink.pool.allocate(kHeadroom + wire::udp::kHeaderSize);
    (void)packet.append(kQuery);
    const IpAddress from = six ? kPeer6 : IpAddress(kPeer4);
    const IpAddress to = six ? kOwn6 : IpAddress(kOwn4);
    wire::udp::prepend_header(packet, kPeerPort, kPort, from, to, false);
    const std::size_t length = packet.size();
    if (six) {
      wire::ipv6::Header header;
      header.source = from;
      header.destination = to;
      header.next_header = protocol::kUdp;
      header.payload_length = static_cast<std::uint16_t>(length);
      header.write(packet.prepend(wire::ipv6::kHeaderSize));
    } else {
      wire::ipv4::Header header;
      header.source = kPeer4;
      header.destination = kOwn4;
      header.protocol = protocol::kUdp;
      header.total_length = static_cast<std::uint16_t>(length + wire::ipv4::kHeaderSize);
      header.write(packet.prepend(wire::ipv4::kHeaderSize));
    }
    const auto type = six ? wire::ethernet::Type::kIpv6 : wire::ethernet::Type::kIpv4;
    wire::ethernet::Header{kOwnMac, kPeerMac, static_cast<std::uint16_t>(type)}.write(
        packet.prepend(wire::ethernet::kHeaderSize));
    return packet;
  }
  // Makes the peer's hardware address known to both families, by messages from the peer.
  void introduce() {
    PacketBuf request = sink.pool.allocate(wire::ethernet::kHeaderSize);
    wire::arp::Packet{wire::arp::kRequest, kPeerMac, kPeer4, {}, kOwn4}.write(
        request.append(wire::arp::kPacketSize));
    wire::ethernet::Header{kOwnMac, kPeerMac,
                           static_cast<std::uint16_t>(wire::ethernet::Type::kArp)}
        .write(request.prepend(wire::ethernet::kHeaderSize));
    receive(std::move(request));
    // A neighbour solicitation for our address with the sender's hardware address.
    PacketBuf packet = sink.pool.allocate(kHeadroom);
    ByteWriter out(packet.append(32));
    out.u8(135);
    out.u8(0);
    out.u16(0);
    out.u32(0);
    out.bytes(Bytes(kOwn6.octets()));
    out.u8(1);
    out.u8(1);
    out.bytes(Bytes(kPeerMac.octets));
    wire::ChecksumSum sum;
    sum.add_pseudo(kPeer6, kOwn6, protocol::kIcmpV6, 32);
    sum.add(packet.bytes());
    store_be(packet.bytes().subspan(2), sum.finish());
    wire::ipv6::Header header;
    header.source = kPeer6;
    header.destination = kOwn6;
    header.next_header = protocol::kIcmpV6;
    header.hop_limit = 255;
    header.payload_length = 32;
    header.write(packet.prepend(wire::ipv6::kHeaderSize));
    wire::ethernet::Header{kOwnMac, kPeerMac,
                           static_cast<std::uint16_t>(wire::ethernet::Type::kIpv6)}
        .write(packet.prepend(wire::ethernet::kHeaderSize));
    receive(std::move(packet));
  }

  void measure(const char* what, bool six, std::size_t datagrams) {
    const std::size_t before = sink.sent;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t done = 0; done < datagrams; done += kBatch) {
      for (std::size_t i = 0; i < kBatch; ++i) receive(query(six));
      host.end_of_batch(now);
    }
    const double ns =
        std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
    const std::size_t answers = sink.sent - before;
    std::printf("%s: %zu answers, %.1f ns each\n", what, answers,
                ns / static_cast<double>(answers));
  }

  Instant now{1'000'000'000};
  Sink sink;
  ipv4::Engine v4{{.secret = {1, 2}}};
  ipv6::Engine v6{{.secret = {1, 2}, .dad_transmits = 0}};
  Host host{&v4, &v6};
  udp::Table table{host, {3, 4}};
  Server port{table};
  Interface* on = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t datagrams = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  Bench bench;
  bench.introduce();
  bench.measure("IPv4", false, datagrams);
  bench.measure("IPv6", true, datagrams);
}
