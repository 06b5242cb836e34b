#include <deque>

#include "conformance.hpp"
#include "fata/base/pool.hpp"
#include "fata/sim/platform.hpp"
#include "fata/stack/tcp.hpp"

namespace fata {
namespace {

// A single stack that communicates with itself over a link with a delay.
class Loopback final : public ip::Layer, public stack::SocketDriver, private Timer {
 public:
  explicit Loopback(const tcp::Config& config = {})
      : SocketDriver(async::current_loop()),
        tcp(config, {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}, *this, *this) {}

  std::optional<ip::Path> path(const IpAddress& remote, const IpAddress&) override {
    if (remote != IpAddress(kAddress)) return std::nullopt;
    return ip::Path{kAddress};
  }
  PacketBuf allocate() override { return frames_.allocate(ip::kHeadroom); }
  void send(PacketBuf packet, const IpAddress& local, const IpAddress& remote, std::uint8_t,
            ip::Marks, bool, Instant now) override {
    ip::Packet in;
    in.source = local;
    in.destination = remote;
    in.payload = Slice(std::move(packet));
    flying_.emplace_back(now + microseconds(100), std::move(in));
  }
  void lower_path_mtu(const IpAddress&, std::size_t, Instant) override {}
  void confirm_reachable(const IpAddress&, Instant) override {}
  void flush() override {
    Instant next = tcp.transport().next_deadline();
    if (!flying_.empty()) next = std::min(next, flying_.front().first);
    if (next.is_never()) return disarm();
    loop().timers().arm(*this, next);
  }

  static constexpr Ipv4Address kAddress = Ipv4Address::of(10, 0, 0, 1);

 private:
  void on_timer() noexcept override {
    const Instant now = loop().now();
    while (!flying_.empty() && flying_.front().first <= now) {
      ip::Packet packet = std::move(flying_.front().second);
      flying_.pop_front();
      (void)tcp.transport().receive(packet, now);
    }
    tcp.transport().end_of_batch(now);
    if (tcp.transport().next_deadline() <= now) tcp.transport().tick(now);
    flush();
  }

  BufferPool frames_{1024, 2048};
  std::deque<std::pair<Instant, ip::Packet>> flying_;

 public:
  stack::Tcp tcp;
};

struct OwnWorld {
  struct Ends {
    std::unique_ptr<stack::TcpFlow> left, right;
  };
  async::Task<Ends> connect() {
    auto listener = loopback.tcp.listen({IpAddress{}, 7}, 1);
    auto left = co_await loopback.tcp.connect(Endpoint{Loopback::kAddress, 7});
    auto right = co_await (*listener)->accept();
    EXPECT_TRUE(left && right);
    co_return Ends{std::move(*left), std::move(*right)};
  }
  static constexpr bool kNamesEnds = true;
  static sig::Session session() { return {}; }
  Slice bytes(std::string_view text) { return Slice(pool.copy(as_bytes(text))); }
  BufferPool pool{4096, 1024};
  Loopback loopback;
};

template <class F>
async::Task<void> and_a_while(F* test, OwnWorld* world) {
  co_await (*test)(world);
  // By then, orphans have delivered their data or given up.
  co_await async::sleep(seconds(3600));
}

struct OwnRunner {
  template <class F>
  static void run(F test) {
    sim::Platform platform;
    OwnWorld world;
    platform.run([&] { return and_a_while(&test, &world); });
    EXPECT_EQ(world.pool.available(), world.pool.count());
    EXPECT_EQ(world.loopback.tcp.table().connections(), 0U);
    EXPECT_EQ(world.loopback.tcp.table().memory().used(), 0U);
  }
};
FLOW_CONFORMANCE(FlowOfOwnTcp, OwnRunner)

async::Task<void> refused(Loopback* loopback) {
  const auto flow = co_await loopback->tcp.connect(Endpoint{Loopback::kAddress, 9},
                                                   async::Wait::at_most(seconds(5)));
  EXPECT_TRUE(!flow && flow.error().is(sig::FlowErrc::kRefused));
  const auto lost = co_await loopback->tcp.connect(Endpoint{Ipv4Address::of(10, 0, 0, 2), 9},
                                                   async::Wait::at_most(seconds(5)));
  EXPECT_TRUE(!lost && lost.error().is(sig::FlowErrc::kUnreachable));
}
TEST(OwnTcp, SaysThatAConnectionWasRefused) {
  sim::Platform platform;
  Loopback loopback;
  platform.run([&] { return refused(&loopback); });
}

TEST(OwnTcp, SaysThatAPortIsInUse) {
  sim::Platform platform;
  Loopback loopback;
  const auto first = loopback.tcp.listen({IpAddress{}, 80}, 1);
  const auto second = loopback.tcp.listen({IpAddress{}, 80}, 1);
  ASSERT_FALSE(second.has_value());
  Text<100> text(std::in_place, second.error());
  EXPECT_EQ(text.view(), "tcp: the port is in use (80)");
}

}  // namespace
}  // namespace fata
