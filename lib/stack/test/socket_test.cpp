#include "fata/stack/udp.hpp"

#include "../../wire/test/frames.hpp"
#include "fata/sim/platform.hpp"

namespace fata::stack {
namespace {

using wire::test::Frame;
using wire::test::udp_datagram;
using wire::test::v4_address;

class NoIp final : public ip::Layer {
 public:
  std::optional<ip::Path> path(const IpAddress&, const IpAddress&) override {
    return ip::Path{v4_address(1)};
  }
  PacketBuf allocate() override { return {}; }
  void send(PacketBuf, const IpAddress&, const IpAddress&, std::uint8_t, ip::Marks, bool,
            Instant) override {}
  void lower_path_mtu(const IpAddress&, std::size_t, Instant) override {}
  void confirm_reachable(const IpAddress&, Instant) override {}
  std::uint8_t join_group(const IpAddress&, std::uint8_t, const IpAddress&, Instant) override {
    return ++joined, 0;
  }
  void leave_group(const IpAddress&, std::uint8_t, Instant) override { --joined; }
  int joined = 0;
};
class NoDriver final : public SocketDriver {
 public:
  NoDriver() : SocketDriver(async::current_loop()) {}
  void flush() override {}
};

struct Sockets : testing::Test {
  Result<std::unique_ptr<UdpSocket>> bind(std::uint16_t port, IpAddress address = {}) {
    auto socket = std::make_unique<UdpSocket>(table, driver);
    if (const Result<void> bound = table.bind(*socket, {address, port}); !bound)
      return fail(bound.error());
    return socket;
  }
  bool deliver(std::uint16_t port, const IpAddress& to = v4_address(1), std::uint8_t from = 2,
               std::size_t size = 0) {
    const Frame datagram = udp_datagram({.from = 9, .to = port, .checksum = 0}, Frame(size));
    ip::Packet packet{v4_address(from), to, Slice(pool.copy(datagram)), {}, {}};
    return table.receive(packet, {});
  }

  sim::Platform platform;
  BufferPool pool{16, 2048};
  NoIp ip_layer;
  NoDriver driver;
  udp::Table table{ip_layer};
};

TEST_F(Sockets, AreFoundByTheirPortAndLeaveItWhenTheyEnd) {
  auto one = bind(53);
  const auto other = bind(53 + 64);  // the same bucket
  ASSERT_TRUE(one && other);
  EXPECT_TRUE(deliver(53));
  EXPECT_TRUE(deliver(117));
  EXPECT_FALSE(deliver(181));
  const auto twice = bind(53);
  ASSERT_FALSE(twice);
  EXPECT_TRUE(twice.error().is(udp::SocketErrc::kPortInUse));
  EXPECT_EQ(twice.error().detail(), 53u);
  EXPECT_TRUE(deliver(53));  // it is now the cached result of find()
  one->reset();
  EXPECT_FALSE(deliver(53));
  EXPECT_TRUE(bind(53));
  EXPECT_FALSE(table.empty());
}

TEST_F(Sockets, WithoutAPortGetDifferentOnesUntilNoneIsFree) {
  struct Quiet final : udp::Port {
    void deliver(sig::RxDatagram&&, Instant) override {}
    void error(udp::SocketErrc, const Endpoint&) override {}
  };
  std::vector<std::unique_ptr<Quiet>> ports;
  for (unsigned i = 0; i < 16384; ++i) {
    ports.push_back(std::make_unique<Quiet>());
    ASSERT_TRUE(table.bind(*ports.back(), {})) << i;
    ASSERT_GE(ports.back()->local().port, 49152);
  }
  Quiet late;
  const auto none = table.bind(late, {});
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().is(udp::SocketErrc::kNoFreePort));
  const std::uint16_t freed = ports[77]->local().port;
  ports[77].reset();
  ASSERT_TRUE(table.bind(late, {}));
  EXPECT_EQ(late.local().port, freed);
}

TEST_F(Sockets, MayShareAPortIfTheirAddressesDiffer) {
  const auto one = bind(53, v4_address(1));
  const auto other = bind(53, v4_address(2));
  ASSERT_TRUE(one && other);
  EXPECT_FALSE(bind(53, v4_address(2)));
  EXPECT_FALSE(bind(53));
  EXPECT_TRUE(deliver(53, v4_address(1)));
  EXPECT_TRUE(deliver(53, v4_address(2)));
  EXPECT_FALSE(deliver(53, v4_address(3)));
}

TEST_F(Sockets, OnceConnectedHearOnlyTheirRemote) {
  const auto socket = bind(53);
  ASSERT_TRUE(socket);
  (*socket)->connect({v4_address(2), 9});
  EXPECT_TRUE(deliver(53, v4_address(1), 2));
  EXPECT_FALSE(deliver(53, v4_address(1), 3));
}

TEST_F(Sockets, CopyAShortDatagramSoThatItDoesNotPinItsDevicesBuffer) {
  const auto socket = bind(53);
  ASSERT_TRUE(socket);
  EXPECT_TRUE(deliver(53, v4_address(1), 2, 511));
  EXPECT_EQ(pool.available(), pool.count());
  EXPECT_TRUE(deliver(53, v4_address(1), 2, 512));
  EXPECT_EQ(pool.available(), pool.count() - 1);
}

TEST_F(Sockets, DropAndCountWhatTheSmallBuffersDoNotHold) {
  const auto one = bind(53), two = bind(54), three = bind(55);
  for (std::size_t i = 0; i < 100; ++i) {
    for (const std::uint16_t port : {53, 54, 55}) EXPECT_TRUE(deliver(port, v4_address(1), 2, 1));
  }
  EXPECT_EQ(table.count(udp::Table::kNoSmallBuffer), 300 - udp::Table::kSmallBuffers);
}

async::Task<int> hears_errors(udp::Table* table, UdpSocket* socket) {
  Frame quoted(8);
  store_be(MutableBytes(quoted), std::uint16_t{53});
  store_be(MutableBytes(quoted).subspan(2), std::uint16_t{9});
  store_be(MutableBytes(quoted).subspan(4), std::uint16_t{12});
  BufferPool pool(1, 256);
  sig::TxDatagram sent{
      {v4_address(2), 9}, v4_address(1), pool.allocate(ip::kHeadroom + wire::udp::kHeaderSize)};
  (void)sent.payload.append(4);
  table->send(std::move(sent), *socket, {});
  const ip::IcmpError error{ip::IcmpError::Kind::kPortUnreachable, v4_address(1), v4_address(2), 0,
                            quoted};
  std::array<sig::RxDatagram, 1> in;
  // Not connected: receive() does not report the errors, and their queue is bounded.
  for (std::size_t i = 0; i < UdpSocket::kErrors + 3; ++i) table->icmp_error(error, {});
  EXPECT_FALSE(co_await socket->receive(in, async::Wait::at_most(milliseconds(1))));
  for (std::size_t i = 0; i < UdpSocket::kErrors; ++i) {
    const auto diagnostic = socket->take_error();
    EXPECT_TRUE(diagnostic && diagnostic->remote == (Endpoint{v4_address(2), 9}));
  }
  EXPECT_FALSE(socket->take_error());
  // Connected: the next receive() returns the error once.
  socket->connect({v4_address(2), 9});
  table->icmp_error(error, {});
  const auto refused = co_await socket->receive(in, async::Wait::at_most(milliseconds(1)));
  EXPECT_TRUE(!refused && refused.error().is(udp::SocketErrc::kPortUnreachable));
  const auto silent = co_await socket->receive(in, async::Wait::at_most(milliseconds(1)));
  EXPECT_TRUE(!silent && silent.error().is(async::Errc::kTimedOut));
  co_return 0;
}

TEST_F(Sockets, HearErrorsFromReceiveOnlyOnceConnected) {
  const auto socket = bind(53);
  platform.run([&] { return hears_errors(&table, socket->get()); });
}

TEST_F(Sockets, LeaveTheirGroupsWhenTheyEnd) {
  auto socket = bind(53);
  const IpAddress group = Ipv4Address::of(224, 0, 0, 251);
  EXPECT_TRUE((*socket)->join(group));
  EXPECT_TRUE((*socket)->join(group));
  EXPECT_EQ(ip_layer.joined, 1);
  for (std::uint8_t i = 1; i < UdpSocket::kGroups; ++i)
    EXPECT_TRUE((*socket)->join(Ipv4Address::of(224, 0, 1, i)));
  EXPECT_FALSE((*socket)->join(Ipv4Address::of(224, 0, 1, 77)));
  (*socket)->leave(group);
  EXPECT_EQ(ip_layer.joined, 7);
  socket->reset();
  EXPECT_EQ(ip_layer.joined, 0);
}

}  // namespace
}  // namespace fata::stack
