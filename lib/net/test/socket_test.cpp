#include "fata/net/socket.hpp"

#include "fata/sim/platform.hpp"
#include "frames.hpp"

namespace fata::net {
namespace {

class NoSender final : public DatagramSender {
 public:
  PacketBuf allocate_datagram() override { return {}; }
  async::Task<Result<void>> send(std::span<sig::TxDatagram>, std::uint16_t, async::Wait) override {
    co_return Result<void>{};
  }
};

struct Sockets : testing::Test {
  Result<std::unique_ptr<UdpSocket>> bind(std::uint16_t port) {
    return table.bind({ip(1), port}, 1472, sender);
  }
  bool deliver(std::uint16_t port) { return table.deliver({{ip(2), 9}, ip(1), {}}, port); }

  sim::Platform platform;
  NoSender sender;
  SocketTable table;
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
  EXPECT_TRUE(twice.error().is(SocketErrc::kPortInUse));
  EXPECT_EQ(twice.error().detail(), 53u);
  EXPECT_TRUE(deliver(53));  // it is now the last one found
  one->reset();
  EXPECT_FALSE(deliver(53));
  EXPECT_TRUE(bind(53));
  EXPECT_FALSE(table.empty());
}

TEST_F(Sockets, WithoutAPortGetDifferentOnesUntilNoneIsFree) {
  std::vector<std::unique_ptr<UdpSocket>> sockets;
  for (unsigned i = 0; i < 16384; ++i) {
    auto socket = bind(0);
    ASSERT_TRUE(socket) << i;
    ASSERT_GE((*socket)->local().port, 49152);
    sockets.push_back(std::move(*socket));
  }
  const auto none = bind(0);
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().is(SocketErrc::kNoFreePort));
  sockets[77].reset();
  const auto freed = bind(0);
  ASSERT_TRUE(freed);
  EXPECT_EQ((*freed)->local().port, 49152 + 77);
}

}  // namespace
}  // namespace fata::net
