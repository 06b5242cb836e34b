// TCP over NICs that are small, slow or full: queued data is not lost.
#include "fata/stack/tcp.hpp"
#include "world.hpp"

namespace fata::test {
namespace {

constexpr std::size_t kBlock = 8000;

async::Task<void> send_all(stack::TcpFlow* flow, BufferPool* pool, std::size_t bytes) {
  for (std::size_t sent = 0; sent < bytes;) {
    PacketBuf packet = pool->allocate();
    EXPECT_TRUE(packet);
    const MutableBytes block = packet.append(std::min(bytes - sent, kBlock));
    for (std::size_t i = 0; i < block.size(); ++i)
      block[i] = static_cast<std::byte>((sent + i) * 7 / 5);
    sent += block.size();
    std::array<Slice, 1> out{Slice(std::move(packet))};
    const auto written = co_await flow->write(out, async::Wait::at_most(seconds(100)));
    EXPECT_FALSE(written.error);
    if (written.error) co_return;
  }
  (void)co_await flow->shutdown();
}

// Returns the number of bytes received before the first wrong one.
async::Task<std::size_t> receive_all(stack::TcpFlow* flow) {
  std::size_t got = 0;
  for (;;) {
    const auto slice = co_await flow->read(async::Wait::at_most(seconds(100)));
    EXPECT_TRUE(slice);
    if (!slice || slice->empty()) co_return got;
    for (const std::byte each : slice->bytes()) {
      if (each != static_cast<std::byte>(got * 7 / 5)) co_return got;
      ++got;
    }
  }
}

struct Outcome {
  std::uint64_t retransmitted = 0, overflow = 0;
  std::vector<std::size_t> received;
  std::vector<Instant> ended;
};

async::Task<void> take(stack::TcpListener* listener, Outcome* outcome, std::size_t index) {
  auto flow = co_await listener->accept(async::Wait::at_most(seconds(10)));
  EXPECT_TRUE(flow);
  if (!flow) co_return;
  outcome->received[index] = co_await receive_all(flow->get());
  outcome->ended[index] = async::current_loop().now();
}

async::Task<int> transfer(World* world, sim::NetDevice* a, sim::NetDevice* b, std::size_t flows,
                          std::size_t bytes, Outcome* outcome) {
  BufferPool pool(flows * 40, kBlock);
  const auto left = co_await host(world, a, cidr(1));
  const auto right = co_await host(world, b, cidr(2));
  outcome->received.resize(flows);
  outcome->ended.resize(flows);
  auto listener = right->tcp().listen({IpAddress{}, 7}, flows);
  {
    std::vector<std::unique_ptr<stack::TcpFlow>> clients;
    async::Scope scope;
    for (std::size_t i = 0; i < flows; ++i) {
      auto flow = co_await left->tcp().connect(at(2, 7), async::Wait::at_most(seconds(10)));
      EXPECT_TRUE(flow);
      scope.spawn(take(listener->get(), outcome, i));
      clients.push_back(std::move(*flow));
    }
    for (auto& client : clients) scope.spawn(send_all(client.get(), &pool, bytes));
    co_await scope.join();
  }
  outcome->retransmitted = left->tcp().table().count(tcp::Table::kRetransmitted);
  outcome->overflow = left->host().count("overflow");
  co_await async::sleep(seconds(100));  // TIME-WAIT ends
  co_return 0;
}

struct Nic {
  const char* what;
  sim::DeviceOptions options;
  std::uint64_t bits_per_second;
};

TEST(FullDevice, WhatTcpSendsInABurstWaitsForANicThatIsFullAndIsNotLost) {
  const Nic nics[] = {
      {"a ring of two", {.ring = 2}, 100'000'000},
      {"a ring of four, slow", {.ring = 4}, 10'000'000},
      {"few buffers", {.buffers = 24, .reserve = 8, .ring = 64}, 100'000'000},
  };
  for (const Nic& each : nics) {
    SCOPED_TRACE(each.what);
    World world;
    sim::NetDevice& a = world.nic(each.options);
    sim::NetDevice& b = world.nic({.buffers = 2000, .ring = 1000});
    world.network.join(
        a, b, {.delay = milliseconds(5), .bits_per_second = each.bits_per_second, .queue = 4096});
    Outcome outcome;
    world.platform.run([&] { return transfer(&world, &a, &b, 1, 2'000'000, &outcome); });
    EXPECT_EQ(outcome.received[0], 2'000'000u);
    EXPECT_EQ(outcome.retransmitted, 0u);
    EXPECT_EQ(outcome.overflow, 0u);
  }
}

TEST(FullDevice, ManyFlowsShareAFullNicFairly) {
  World world;
  sim::NetDevice& a = world.nic({.ring = 4});
  sim::NetDevice& b = world.nic({.buffers = 2000, .ring = 1000});
  world.network.join(a, b,
                     {.delay = milliseconds(1), .bits_per_second = 100'000'000, .queue = 4096});
  Outcome outcome;
  world.platform.run([&] { return transfer(&world, &a, &b, 10, 500'000, &outcome); });
  EXPECT_EQ(outcome.overflow, 0u);
  EXPECT_EQ(outcome.retransmitted, 0u);
  for (const std::size_t received : outcome.received) EXPECT_EQ(received, 500'000u);
  // All flows send the same amount, begin together, and end within a fifth of the total time.
  const auto [first, last] = std::ranges::minmax(outcome.ended);
  EXPECT_LT((last - first).ns * 5, last.ns);
}

async::Task<int> keep_all(World* world, sim::NetDevice* a, sim::NetDevice* b,
                          std::size_t* kept_of_nic) {
  BufferPool pool(40, kBlock);
  const auto left = co_await host(world, a, cidr(1));
  const auto right = co_await host(world, b, cidr(2));
  auto listener = right->tcp().listen({IpAddress{}, 7}, 1);
  const auto asked = bound(*right, 9);
  const auto asker = bound(*left, 0);
  {
    auto client = co_await left->tcp().connect(at(2, 7), async::Wait::at_most(seconds(10)));
    auto server = co_await (*listener)->accept(async::Wait::at_most(seconds(10)));
    EXPECT_TRUE(client && server);
    std::vector<Slice> kept;
    async::CancelSource stop;
    async::Scope scope;
    scope.spawn(echo(asked.get(), stop.token()));
    scope.spawn(send_all(client->get(), &pool, 300'000));
    std::size_t got = 0;
    for (;;) {
      auto slice = co_await (*server)->read(async::Wait::at_most(seconds(100)));
      EXPECT_TRUE(slice);
      if (!slice || slice->empty()) break;
      got += slice->size();
      kept.push_back(std::move(*slice));
    }
    EXPECT_EQ(got, 300'000u);
    for (const Slice& each : kept) *kept_of_nic += each.home() == &b->pool() ? 1 : 0;
    EXPECT_LT(*kept_of_nic, b->pool().count());
    EXPECT_GT(right->host().count("copied"), 0u);
    // Other datagrams are answered while all slices are kept.
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(co_await send(asker.get(), at(2, 9), "still there?"));
      EXPECT_TRUE(co_await receive(asker.get(), seconds(1))) << i;
    }
    stop.cancel();
    co_await scope.join();
  }
  co_await async::sleep(seconds(100));
  co_return 0;
}

TEST(FullDevice, AnApplicationThatKeepsEverySliceItGetsDoesNotStopTheNetwork) {
  World world;
  sim::NetDevice& a = world.nic();
  sim::NetDevice& b = world.nic({.buffers = 64, .reserve = 32});
  world.network.join(a, b);
  std::size_t kept_of_nic = 0;
  world.platform.run([&] { return keep_all(&world, &a, &b, &kept_of_nic); });
  EXPECT_GT(kept_of_nic, 0u);
}

}  // namespace
}  // namespace fata::test
