#include "conformance.hpp"
#include "fata/async/loop.hpp"
#include "fata/base/pool.hpp"
#include "fata/linux/run.hpp"
#include "fata/linux/tcp.hpp"

namespace fata {
namespace {

struct HostWorld {
  struct Ends {
    std::unique_ptr<linux::TcpFlow> left, right;
  };
  async::Task<Ends> connect() {
    auto listener = tcp.listen({Ipv4Address::of(127, 0, 0, 1), 0}, 1);
    auto left = co_await tcp.connect((*listener)->local());
    auto right = co_await (*listener)->accept();
    co_return Ends{std::move(*left), std::move(*right)};
  }
  static constexpr bool kNamesEnds = true;
  static sig::Session session() { return {}; }
  Slice bytes(std::string_view text) { return Slice(pool.copy(as_bytes(text))); }
  linux::Tcp tcp;
  BufferPool pool{64, 1024};
};

async::Task<int> as_int(async::Task<void> task) {
  co_await std::move(task);
  co_return 0;
}

struct HostRunner {
  template <class F>
  static void run(F test) {
    async::Loop loop;
    linux::enter(loop);
    HostWorld world;
    loop.run(as_int(test(&world)));
    EXPECT_EQ(world.pool.available(), world.pool.count());
  }
};
FLOW_CONFORMANCE(FlowOfHostTcp, HostRunner)

async::Task<void> refused() {
  linux::Tcp tcp;
  auto listener = tcp.listen({Ipv4Address::of(127, 0, 0, 1), 0}, 1);
  const Endpoint gone = (*listener)->local();
  listener->reset();
  const auto flow = co_await tcp.connect(gone, async::Wait::at_most(seconds(5)));
  EXPECT_TRUE(!flow && flow.error().is(sig::FlowErrc::kRefused));
}
TEST(HostTcp, SaysThatAConnectionWasRefused) {
  async::Loop loop;
  linux::enter(loop);
  loop.run(as_int(refused()));
}

async::Task<void> port_in_use() {
  linux::Tcp tcp;
  auto first = tcp.listen({Ipv4Address::of(127, 0, 0, 1), 0}, 1);
  const auto second = tcp.listen((*first)->local(), 1);
  EXPECT_FALSE(second.has_value());
  Text<100> text(std::in_place, second.error());
  EXPECT_EQ(text.view(), "os: Address already in use");
  co_return;
}
TEST(HostTcp, SaysThatAPortIsInUse) {
  async::Loop loop;
  linux::enter(loop);
  loop.run(as_int(port_in_use()));
}

}  // namespace
}  // namespace fata
