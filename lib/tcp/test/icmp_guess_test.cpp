// RFC 5927: an ICMP error that quotes unsent data has no effect, for any transport, family and
// state; one that quotes sent data is accepted.
#include <gtest/gtest.h>

#include <map>

#include "../../ip/test/nodes.hpp"
#include "fata/tcp/table.hpp"

namespace fata::tcp::test {

namespace {

using namespace wire::test;

// A host with all transports. Its sent frames wait in `out`.
class End final : public ip::PacketSink {
 public:
  struct Port final : udp::Port {
    void deliver(sig::RxDatagram&&, Instant) override {}
    void error(udp::SocketErrc, const Endpoint&) override { ++errors; }
    int errors = 0;
  };

  End(std::uint8_t last, bool v6, Instant now)
      : v6_engine({{last, 7}, 1000, 0}),
        host(&v4, &v6_engine),
        udp(host),
        table({}, {{last, 1}, {last, 2}, {last, 3}, {last, 4}, {last, 5}}, host) {
    host.attach(ip::protocol::kTcp, table);
    host.attach(ip::protocol::kUdp, udp);
    link = host.add_interface({mac(last), 1500, {}}, *this, now);
    std::array<std::byte, 16> octets{};
    octets[0] = std::byte{0xfd}, octets[15] = static_cast<std::byte>(last);
    if (v6) {
      address = IpAddress(octets);
      v6_engine.start(*link, now);
      EXPECT_TRUE(v6_engine.add_address(*link, {address, 64}, now));
    } else {
      address = v4_address(last);
      EXPECT_TRUE(v4.add_address(*link, {v4_address(last), 24}, now));
    }
    EXPECT_TRUE(udp.bind(open, {{}, 53}));
    EXPECT_TRUE(udp.bind(connected, {{}, 54}));
    EXPECT_TRUE(udp.bind(server, {{}, 55}));
    server.ignore_path();
  }

  PacketBuf allocate(std::size_t headroom) override { return pool.allocate(headroom); }
  void transmit(PacketBuf packet) override {
    out.emplace_back(packet.bytes().begin(), packet.bytes().end());
  }
  void send(Port& from, const Endpoint& to, std::size_t size, Instant now) {
    sig::TxDatagram datagram{to, {}, udp.allocate()};
    (void)datagram.payload.append(size);
    udp.send(std::move(datagram), from, now);
  }

  BufferPool pool{512, 2048};
  ip::ipv4::Engine v4{{{1, 2}, 1000}};
  ip::ipv6::Engine v6_engine;
  ip::Host host;
  udp::Table udp;
  Table table;
  Port open, connected, server;
  ip::Interface* link = nullptr;
  IpAddress address;
  std::vector<Frame> out;
};

// The host under attack, and its peer.
class World {
 public:
  explicit World(bool is_v6) : v6(is_v6), a(1, is_v6, now), b(2, is_v6, now) {
    a.udp.connect(a.connected, {b.address, 99});
    // Each learns the other's hardware address.
    a.send(a.open, {b.address, 53}, 10, now);
    b.send(b.open, {a.address, 53}, 10, now);
    for (int i = 0; i < 20; ++i) pass(milliseconds(100));
    pass(seconds(20));
  }
  ~World() {
    for (auto& [table, connection] : held) {
      connection->abort(now);
      table->release(connection, now);
    }
    if (listener_a != nullptr) a.table.close(listener_a, now);
    if (listener_b != nullptr) b.table.close(listener_b, now);
  }

  void pass(Duration time) {
    now = now + time;
    for (End* end : {&a, &b}) {
      if (end->host.next_deadline() <= now) end->host.tick(now);
    }
    carry();
  }
  void carry() {
    for (int turn = 0; turn < 20; ++turn) {
      for (auto& [from, to, carries] : {std::tuple{&a, &b, to_b}, {&b, &a, to_a}}) {
        for (const Frame& frame : std::exchange(from->out, {})) {
          if (from == &a) note(frame);
          if (carries || is_discovery(frame)) receive(*to, frame);
        }
        for (End* end : {&a, &b}) end->host.end_of_batch(now);
      }
      if (a.out.empty() && b.out.empty()) return;
    }
  }
  void receive(End& to, const Frame& frame) {
    to.host.receive(*to.link, {Slice(pool.copy(frame)), {}, {}}, now);
  }
  Connection* open(Table& from, Table& to, const IpAddress& at) {
    Listener*& listener = &to == &a.table ? listener_a : listener_b;
    listener = *to.listen({{}, 80}, 4, nullptr);
    Connection* const made = *from.connect({}, {at, 80}, {}, nullptr, now);
    held.emplace_back(&from, made);
    carry();
    Connection* const taken = to.accept(*listener);
    if (taken != nullptr) held.emplace_back(&to, taken);
    return &from == &a.table ? made : taken;
  }
  Connection* peer() { return held[0].first == &b.table ? held[0].second : held[1].second; }

  // The frame of an error about a packet of `a` that begins with `quoted` after its IP header.
  Frame error(std::uint8_t type, std::uint8_t code, std::uint16_t mtu, const IpAddress& remote,
              std::uint8_t protocol, const Frame& quoted, std::size_t length) {
    Frame rest(4);
    if (v6) {
      store_be(MutableBytes(rest), std::uint32_t{mtu});
      rest = rest +
             ip6_packet({.from = a.address, .to = remote, .next = protocol, .length = int(length)},
                        quoted);
      return icmp6_frame({.from = b.address, .to = a.address}, type, code, rest);
    }
    store_be(MutableBytes(rest).subspan(2), mtu);
    rest = rest + ip_packet({.from = a.address.v4(),
                             .to = remote.v4(),
                             .protocol = protocol,
                             .total_length = int(length + 20)},
                            quoted);
    return ip_frame({.protocol = 1}, icmp_message(type, code, rest));
  }

  // All state that an error could change.
  std::string snapshot() {
    std::string all = "path " + std::to_string(a.host.path(b.address, {})->mtu) + ", errors " +
                      std::to_string(a.open.errors) + " " + std::to_string(a.connected.errors) +
                      " " + std::to_string(a.server.errors) + ", out " +
                      std::to_string(a.out.size());
    a.table.for_each([&](const ConnectionStats& s) {
      all += "\n" + std::string(name(s.state)) + " cwnd " + std::to_string(s.cwnd) + " flight " +
             std::to_string(s.in_flight) + " mss " + std::to_string(s.mss) + " again " +
             std::to_string(s.retransmits) + " rto " + std::to_string(s.rto.ns);
    });
    all += ", ended " + std::to_string(a.table.count(Table::kEnded)) + ", taken " +
           std::to_string(a.table.count(Table::kIcmpTaken));
    return all;
  }

  const bool v6;
  Instant now = Instant{} + seconds(100);
  BufferPool pool{64, 2048};
  End a, b;
  bool to_a = true, to_b = true;
  std::vector<std::pair<Table*, Connection*>> held;
  Listener* listener_a = nullptr;
  Listener* listener_b = nullptr;
  std::uint16_t port_a = 80, port_b = 80;  // of the TCP segments of `a`
  Seq first = 0, next = 0;  // range of the latest data: everything before `first` is acknowledged
  bool any = false;

 private:
  bool is_discovery(const Frame& frame) const {
    return v6 ? frame[20] == std::byte{58} : frame[12] == std::byte{8} && frame[13] == std::byte{6};
  }
  void note(const Frame& frame) {
    const std::size_t at = v6 ? 54 : 34;
    if (is_discovery(frame) || frame[v6 ? 20 : 23] != std::byte{6}) return;
    const Bytes segment = Bytes(frame).subspan(at);
    const auto header = Header::parse(segment);
    const Seq end = header->seq + static_cast<Seq>(segment.size() - header->header_length) +
                    (header->has(kSyn) ? 1 : 0) + (header->has(kFin) ? 1 : 0);
    if (!any) first = header->seq, next = end;
    any = true;
    next = later(next, end);
    port_a = header->source_port, port_b = header->destination_port;
  }
};

struct Kind {
  std::uint8_t type, code;
  std::uint16_t mtu;
};
std::vector<Kind> kinds(bool v6) {
  if (v6)
    return {{1, 0, 0},    {1, 1, 0}, {1, 2, 0}, {1, 3, 0}, {1, 4, 0}, {1, 6, 0}, {2, 0, 1280},
            {2, 0, 1400}, {2, 0, 0}, {3, 0, 0}, {3, 1, 0}, {4, 0, 0}, {4, 1, 0}, {4, 2, 0}};
  return {{3, 0, 0},  {3, 1, 0},   {3, 2, 0},    {3, 3, 0},  {3, 4, 0},
          {3, 4, 68}, {3, 4, 576}, {3, 4, 1400}, {3, 9, 0},  {3, 13, 0},
          {4, 0, 0},  {5, 1, 0},   {11, 0, 0},   {11, 1, 0}, {12, 0, 0}};
}

Frame quote(std::uint16_t a, std::uint16_t b, std::uint32_t c) {
  Frame bytes(8);
  store_be(MutableBytes(bytes), a);
  store_be(MutableBytes(bytes).subspan(2), b);
  store_be(MutableBytes(bytes).subspan(4), c);
  return bytes;
}
std::uint32_t with_length(std::size_t length) {
  return static_cast<std::uint32_t>(length << 16 | 0x1234);
}

void expect_nothing(World& world, std::string_view what, std::uint8_t protocol, const Frame& quoted,
                    std::size_t length, std::optional<IpAddress> remote = {}) {
  const std::string before = world.snapshot();
  for (const Kind& kind : kinds(world.v6)) {
    world.receive(world.a, world.error(kind.type, kind.code, kind.mtu,
                                       remote.value_or(world.b.address), protocol, quoted, length));
    world.a.host.end_of_batch(world.now);
    EXPECT_EQ(world.snapshot(), before)
        << what << ", type " << int{kind.type} << " code " << int{kind.code} << " mtu " << kind.mtu
        << (world.v6 ? ", IPv6" : ", IPv4");
  }
}

TEST(IcmpGuess, ChangesNothingForADatagramThatWasNeverSent) {
  for (const bool v6 : {false, true}) {
    World world(v6);
    End& a = world.a;
    const Endpoint to{world.b.address, 99};
    for (const std::uint16_t port : {53, 54, 55, 56}) {
      expect_nothing(world, "nothing was sent", 17, quote(port, 99, with_length(1480)), 1480);
    }
    world.to_b = false;
    for (End::Port* from : {&a.open, &a.connected, &a.server}) {
      const std::uint16_t port = from->local().port;
      a.send(*from, to, 92, world.now);
      a.out.clear();
      expect_nothing(world, "a short one was", 17, quote(port, 99, with_length(1480)), 1480);
      expect_nothing(world, "that length without data", 17, quote(port, 99, with_length(0)), 1480);
      a.send(*from, to, 1432, world.now);
      a.out.clear();
      expect_nothing(world, "another length", 17, quote(port, 99, with_length(1441)), 1441);
      expect_nothing(world, "to another port", 17, quote(port, 98, with_length(1440)), 1440);
      expect_nothing(world, "by another port", 17, quote(52, 99, with_length(1440)), 1440);
    }
    expect_nothing(world, "by who hears nothing", 17, quote(55, 99, with_length(1440)), 1440);
    world.now = world.now + ip::RecentSends::kAge + milliseconds(1);
    expect_nothing(world, "long ago", 17, quote(53, 99, with_length(1440)), 1440);
  }
}

TEST(IcmpGuess, ChangesNothingForAnAnswerToAnEchoRequestThatWasNeverSent) {
  for (const bool v6 : {false, true}) {
    World world(v6);
    const std::uint8_t protocol = v6 ? 58 : 1;
    const auto reply = static_cast<std::uint16_t>(v6 ? 129 << 8 : 0);
    const auto ping = [&](std::size_t size) {
      Frame data(size);
      store_be(MutableBytes(data), std::uint32_t{0x00070001});
      world.receive(world.a,
                    v6 ? icmp6_frame({.from = world.b.address, .to = world.a.address}, 128, 0, data)
                       : ip_frame({.protocol = 1}, icmp_message(8, 0, data)));
      EXPECT_EQ(std::exchange(world.a.out, {}).size(), 1U);
    };
    expect_nothing(world, "none was", protocol, quote(reply, 0x1234, 0x00070001), 1400);
    ping(40);
    if (v6)
      expect_nothing(world, "a short one was", protocol, quote(reply, 0x1234, 0x00070001), 1480);
    ping(v6 ? 1452 : 1472);
    expect_nothing(world, "another identifier", protocol, quote(reply, 0x1234, 0x00080001), 1400);
    expect_nothing(world, "another number", protocol, quote(reply, 0x1234, 0x00070002), 1400);
    expect_nothing(world, "a request", protocol,
                   quote(static_cast<std::uint16_t>(v6 ? 128 << 8 : 8 << 8), 0x1234, 0x00070001),
                   1400);
    world.now = world.now + ip::RecentSends::kAge + milliseconds(1);
    expect_nothing(world, "long ago", protocol, quote(reply, 0x1234, 0x00070001), 1400);
    // An error about sent data lowers the path MTU.
    ping(v6 ? 1452 : 1472);
    world.receive(world.a, world.error(v6 ? 2 : 3, v6 ? 0 : 4, 1300, world.b.address, protocol,
                                       quote(reply, 0x1234, 0x00070001), v6 ? 1460 : 1480));
    EXPECT_EQ(world.a.host.path(world.b.address, {})->mtu, 1300U);
  }
}

// Brings a world's connection into a state.
const std::vector<std::pair<std::string_view, void (*)(World&)>> kStates{
    {"CLOSED", [](World&) {}},
    {"LISTEN",
     [](World& world) { world.listener_a = *world.a.table.listen({{}, 80}, 4, nullptr); }},
    {"SYN-SENT",
     [](World& world) {
       world.to_b = false;
       world.held.emplace_back(&world.a.table, *world.a.table.connect({}, {world.b.address, 80}, {},
                                                                      nullptr, world.now));
       world.carry();
     }},
    {"SYN-RECEIVED",
     [](World& world) {
       world.to_b = false;
       (void)world.open(world.b.table, world.a.table, world.a.address);
     }},
    {"ESTABLISHED",
     [](World& world) { (void)world.open(world.a.table, world.b.table, world.b.address); }},
    {"ESTABLISHED with data out",
     [](World& world) {
       Connection* const mine = world.open(world.a.table, world.b.table, world.b.address);
       world.to_b = false;
       PacketBuf data = world.a.table.allocate();
       (void)data.append(100);
       Slice slice(std::move(data));
       world.first = world.next;
       EXPECT_EQ(mine->write(slice, world.now), 100U);
       mine->push(world.now);
       world.carry();
     }},
    {"FIN-WAIT-1",
     [](World& world) {
       Connection* const mine = world.open(world.a.table, world.b.table, world.b.address);
       world.to_b = false;
       world.first = world.next;
       mine->shutdown(world.now);
       world.carry();
     }},
    {"FIN-WAIT-2",
     [](World& world) {
       world.open(world.a.table, world.b.table, world.b.address)->shutdown(world.now);
       world.carry();
     }},
    {"CLOSING",
     [](World& world) {
       Connection* const mine = world.open(world.a.table, world.b.table, world.b.address);
       world.to_b = false;
       world.first = world.next;
       mine->shutdown(world.now);
       world.peer()->shutdown(world.now);
       world.carry();
     }},
    {"CLOSE-WAIT",
     [](World& world) {
       (void)world.open(world.a.table, world.b.table, world.b.address);
       world.peer()->shutdown(world.now);
       world.carry();
     }},
    {"LAST-ACK",
     [](World& world) {
       Connection* const mine = world.open(world.a.table, world.b.table, world.b.address);
       world.peer()->shutdown(world.now);
       world.carry();
       world.to_b = false;
       world.first = world.next;
       mine->shutdown(world.now);
       world.carry();
     }},
    {"TIME-WAIT",
     [](World& world) {
       world.open(world.a.table, world.b.table, world.b.address)->shutdown(world.now);
       world.carry();
       world.peer()->shutdown(world.now);
       world.carry();
     }},
};

TEST(IcmpGuess, ChangesNothingForASegmentThatIsNotOutstandingInAnyState) {
  for (const bool v6 : {false, true}) {
    for (const auto& [state, reach] : kStates) {
      World world(v6);
      reach(world);
      std::string found;
      world.a.table.for_each([&](const ConnectionStats& s) { found = name(s.state); });
      if (state != "CLOSED" && state != "LISTEN") {
        EXPECT_EQ(found, state.substr(0, found.size()));
      }
      world.a.out.clear();
      const bool outstanding = world.first != world.next;
      for (const Seq seq : {world.first - 1, world.next, world.next + 1, world.next + 1000,
                            world.first - 100'000, world.next + (Seq{1} << 31)}) {
        // Sequence numbers no longer outstanding, or never sent, are guesses.
        expect_nothing(world, state, 6, quote(world.port_a, world.port_b, seq), 1480);
      }
      if (!outstanding)
        expect_nothing(world, state, 6, quote(world.port_a, world.port_b, world.first), 1480);
      const Frame wrong_port = quote(world.port_a, world.port_b + 1, world.first);
      expect_nothing(world, state, 6, wrong_port, 1480);
      expect_nothing(world, state, 6, quote(world.port_a + 1, world.port_b, world.first), 1480);
    }
  }
}

TEST(IcmpGuess, OfALongSegmentDoesNotShortenShortOnes) {
  for (const bool v6 : {false, true}) {
    World world(v6);
    for (const auto& [state, reach] : kStates) {
      if (state == "ESTABLISHED with data out") reach(world);
    }
    world.a.out.clear();
    for (const Kind& kind : kinds(v6)) {
      if (kind.mtu < 576) continue;
      world.receive(world.a, world.error(kind.type, kind.code, kind.mtu, world.b.address, 6,
                                         quote(world.port_a, world.port_b, world.first), 1480));
      EXPECT_EQ(world.a.host.path(world.b.address, {})->mtu, 1500U);
    }
    if (!v6) {
      // An MTU too small for the 100 bytes of data is accepted, but the path's stays at the IPv4
      // minimum.
      world.receive(world.a, world.error(3, 4, 68, world.b.address, 6,
                                         quote(world.port_a, world.port_b, world.first), 1480));
      EXPECT_EQ(world.a.host.path(world.b.address, {})->mtu, ip::kMinPathMtuV4);
    }
  }
}

// Errors that quote sent data are accepted; otherwise the tests above would prove nothing.
TEST(IcmpError, AboutADatagramThatWasSentIsHeard) {
  for (const bool v6 : {false, true}) {
    for (const bool connected : {false, true}) {
      World world(v6);
      End::Port& from = connected ? world.a.connected : world.a.open;
      world.to_b = false;
      world.a.send(from, {world.b.address, 99}, 1432, world.now);
      const Frame quoted = quote(from.local().port, 99, with_length(1440));
      world.now = world.now + seconds(1);
      world.receive(world.a,
                    world.error(v6 ? 1 : 3, v6 ? 4 : 3, 0, world.b.address, 17, quoted, 1440));
      EXPECT_EQ(from.errors, 1);
      world.receive(world.a,
                    world.error(v6 ? 2 : 3, v6 ? 0 : 4, 1300, world.b.address, 17, quoted, 1440));
      EXPECT_EQ(world.a.host.path(world.b.address, {})->mtu, 1300U);
      world.receive(world.a,
                    world.error(v6 ? 2 : 3, v6 ? 0 : 4, 68, world.b.address, 17, quoted, 1440));
      EXPECT_EQ(world.a.host.path(world.b.address, {})->mtu, v6 ? 1280U : ip::kMinPathMtuV4);
    }
  }
}

}  // namespace
}  // namespace fata::tcp::test
