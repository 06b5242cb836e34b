// The relay example between two hosts: the relay's own TCP receives data in the NIC's buffers, and
// these buffers are changed and sent on.
#include "../../examples/devices/relay/relay.hpp"
#include "fata/eyeballs/connector.hpp"
#include "fata/stack/tcp.hpp"
#include "world.hpp"

namespace fata::test {
namespace {

// Full segments: TCP itself copies short segments together, so as not to pin large buffers.
constexpr std::size_t kSegment = 1448;
constexpr std::size_t kSize = 280 * kSegment;
constexpr std::uint16_t kRelay = 7008, kTarget = 7007;

std::byte byte_at(std::size_t i) { return static_cast<std::byte>(i * 7 / 5); }
std::byte changed(std::byte each) { return each ^ std::byte{0x20}; }

async::Task<void> send_all(stack::TcpFlow* flow, std::size_t size) {
  for (std::size_t sent = 0; sent < size;) {
    PacketBuf packet = flow->allocate(0, 10 * kSegment);
    EXPECT_TRUE(packet);
    if (!packet) co_return;
    for (std::byte& each : packet.append(std::min(10 * kSegment, size - sent)))
      each = byte_at(sent++);
    std::array<Slice, 1> out{Slice(std::move(packet))};
    const auto written = co_await flow->write(out, async::Wait::at_most(seconds(100)));
    EXPECT_FALSE(written.error);
    if (written.error) co_return;
  }
  (void)co_await flow->shutdown();
}

// Returns the number of bytes received before the end of the stream or the first wrong one.
async::Task<std::size_t> receive_changed(stack::TcpFlow* flow) {
  std::size_t got = 0;
  for (;;) {
    const auto slice = co_await flow->read(async::Wait::at_most(seconds(100)));
    EXPECT_TRUE(slice);
    if (!slice || slice->empty()) co_return got;
    for (const std::byte each : slice->bytes()) {
      if (each != changed(byte_at(got))) co_return got;
      ++got;
    }
  }
}
async::Task<void> receive_into(stack::TcpFlow* flow, std::size_t* got) {
  *got = co_await receive_changed(flow);
}

struct Lab {
  Lab() {
    sim::LearningSwitch& middle = world.network.add_switch();
    for (sim::NetDevice* nic : world.nics)
      world.network.join(*nic, middle.port(), {.delay = milliseconds(1)});
  }
  World world;
  sim::NetDevice& client_nic = world.nic();
  // Enough buffers for all data of the test: a stack that runs low on them copies what it receives.
  sim::NetDevice& relay_nic = world.nic({.buffers = 2048});
  sim::NetDevice& target_nic = world.nic();
};

struct Hosts {
  std::unique_ptr<Stack> client, middle, target;
};
async::Task<void> join(Lab* lab, Hosts* hosts) {
  hosts->client = co_await host(&lab->world, &lab->client_nic, cidr(1));
  hosts->middle = co_await host(&lab->world, &lab->relay_nic, cidr(2));
  hosts->target = co_await host(&lab->world, &lab->target_nic, cidr(3));
}
using Connector = eyeballs::Connector<stack::Tcp, sig::NoResolver>;
using Relay = relay::Relay<stack::Tcp, Connector>;
// The target's address, as a user gives it.
const Text<64> kTo(std::in_place, at(3, 0).address);
async::Task<void> run(Relay* relay, int* status) { *status = co_await relay->start(); }

// Own buffers of the relay's TCP, and the fixed costs of its connections: what is in use and is not
// a NIC's buffer.
std::size_t unborrowed(Stack& stack) {
  const tcp::Memory& memory = stack.tcp().table().memory();
  return memory.used() - memory.borrowed();
}

async::Task<int> both_ways(Lab* lab) {
  Hosts hosts;
  co_await join(lab, &hosts);
  async::CancelSource stop;
  async::Context context{lab->world.context.loop, stop.token()};
  sig::NoResolver no_names;
  Connector connector(context, hosts.middle->tcp(), no_names);
  Relay relay(context, hosts.middle->tcp(), connector, kRelay, kTo.view(), kTarget, 10);
  auto listener = hosts.target->tcp().listen({IpAddress(), kTarget}, 4);
  EXPECT_TRUE(listener);
  int status = -1;
  async::Scope scope;
  scope.spawn(run(&relay, &status));
  co_await async::sleep(milliseconds(1));
  {
    auto near =
        co_await hosts.client->tcp().connect(at(2, kRelay), async::Wait::at_most(seconds(5)));
    EXPECT_TRUE(near);
    if (!near) co_return 1;
    auto far = co_await (*listener)->accept(async::Wait::at_most(seconds(5)));
    EXPECT_TRUE(far);
    if (!far) co_return 1;
    const std::size_t connected = unborrowed(*hosts.middle);

    // The target does not read yet, so data piles up in the relay's queues.
    async::Scope streams;
    streams.spawn(send_all(near->get(), kSize));
    co_await async::sleep(seconds(2));
    const tcp::Memory& memory = hosts.middle->tcp().table().memory();
    EXPECT_GT(memory.borrowed(), 100'000U);
    // The rest is the tables of the queues, and the short segments at the edges of windows.
    EXPECT_LT(unborrowed(*hosts.middle) - connected, memory.borrowed() / 8)
        << "a copy of what is queued";

    std::size_t got = 0, got_back = 0;
    streams.spawn(receive_into(far->get(), &got));
    streams.spawn(send_all(far->get(), kSize));
    streams.spawn(receive_into(near->get(), &got_back));
    co_await streams.join();
    EXPECT_EQ(got, kSize);
    EXPECT_EQ(got_back, kSize);
  }
  co_await async::sleep(seconds(1));
  stop.cancel();
  co_await scope.join();
  EXPECT_EQ(status, 0);
  EXPECT_EQ(relay.in_place() + relay.copied(), 2 * kSize);
  // TCP copies short segments together, into a buffer that several slices share.
  EXPECT_LT(relay.copied(), kSegment);
  listener->reset();
  co_await async::sleep(seconds(200));  // until TIME-WAIT has ended
  co_return 0;
}
TEST(Relay, ChangesBytesInTheBuffersInWhichTheyArrived) {
  Lab lab;
  EXPECT_EQ(lab.world.platform.run([&] { return both_ways(&lab); }), 0);
}

}  // namespace
}  // namespace fata::test
