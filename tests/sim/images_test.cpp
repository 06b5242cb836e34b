// Stacks of several images in one simulator: addresses from DHCP, echo requests and datagrams on a
// segment that loses frames, and an image that is killed and starts again.
#include "dhcp_server.hpp"
#include "fata/dhcp/dynamic_address.hpp"
#include "fata/sim/image_nic.hpp"
#include "fata/sim/simulator.hpp"
#include "fata/stack/ping.hpp"

namespace fata::test {
namespace {

using State = sim::Instance::State;

void print_line(auto... words) {
  const Text<200> line(std::in_place, words..., "\n");
  platform::console_write(line.view());
}

// A DHCP server.
async::Task<int> run_server(async::Context* context) {
  auto nic = co_await sim::ImageNic::connect(*context, "lan");
  DhcpHost host(**nic, {});
  (void)co_await async::sleep(seconds(3600), context->stop);
  print_line(host.server.held(), " held");
  co_return 0;
}

// An echo server at 10.0.0.5.
async::Task<int> run_echo(async::Context* context) {
  auto nic = co_await sim::ImageNic::connect(*context, "lan");
  PlatformRandom random;
  Stack stack(*context, **nic, random, false);
  stack.use(cidr(5));
  const auto socket = bound(stack, 7);
  co_await echo(socket.get(), context->stop);
  co_return 0;
}

// Obtains an address, then sends an echo request and a datagram every 100 ms.
async::Task<int> run_client(async::Context* context) {
  auto nic = co_await sim::ImageNic::connect(*context, "lan");
  PlatformRandom random;
  Stack stack(*context, **nic, random, false);
  using Address = dhcp::DynamicAddress<Stack::Core, stack::UdpOn<Stack::Core>,
                                       stack::Ipv4<Stack::Core>, Stack::Nic, PlatformRandom>;
  const auto address =
      co_await Address::connect(*context, stack.core(), stack.udp(), stack.ipv4(), stack.nic(),
                                random, dhcp::Setup{}, Ipv4Address{}, dhcp::HostName{}, true);
  if (!address) co_return 1;
  stack::Ping<Stack::Core> ping(stack.core());
  const auto socket = bound(stack, 1000);
  for (unsigned number = 1; co_await async::sleep(milliseconds(100), context->stop); ++number) {
    const auto reply =
        co_await ping.echo(at(5, 0).address, 56, async::Wait::at_most(milliseconds(50)));
    (void)co_await send(socket.get(), at(5, 7), "hello");
    const auto answer = co_await receive(socket.get(), milliseconds(50));
    print_line(number, reply ? " reply" : " none", answer ? " " + answer->text : " lost");
  }
  co_return 0;
}

struct Course {
  std::string first, second, server;
  std::uint64_t digest;
  friend bool operator==(const Course&, const Course&) = default;
};

Course run(std::uint64_t seed, const sim::LinkOptions& cables) {
  sim::Simulator simulator(seed);
  simulator.segment().cables = cables;
  sim::Instance& server = simulator.start([](async::Context& c) { return run_server(&c); });
  simulator.start([](async::Context& c) { return run_echo(&c); });
  sim::Instance& client = simulator.start([](async::Context& c) { return run_client(&c); });
  const Instant start{};
  simulator.run(start + seconds(40));
  client.kill();
  simulator.run(start + seconds(50));
  sim::Instance& again = simulator.start_again(client);
  simulator.run(start + seconds(90));
  again.platform().request_stop();
  server.platform().request_stop();
  simulator.run(start + seconds(91));
  EXPECT_EQ(again.state(), State::kEnded);
  EXPECT_EQ(server.state(), State::kEnded);
  return {client.platform().console(), again.platform().console(), server.platform().console(),
          simulator.network().digest()};
}

std::size_t times(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++count;
  return count;
}

TEST(Images, ObtainAddressesAndReachEachOther) {
  const Course quiet = run(1, {});
  EXPECT_GT(times(quiet.first, " reply hello\n"), 100);
  EXPECT_EQ(times(quiet.first, "\n"), times(quiet.first, " reply hello\n"));
  EXPECT_GT(times(quiet.second, " reply hello\n"), 100);
  // The client that started again has the address of its machine.
  EXPECT_EQ(quiet.server, "1 held\n");
}

TEST(Images, RepeatTheirRunOnANetworkThatLosesFramesAndRepeatsAndReordersThem) {
  const sim::LinkOptions bad{
      .jitter = milliseconds(1), .loss = 50, .duplication = 20, .reordering = 50};
  const Course first = run(3, bad);
  EXPECT_GT(times(first.first + first.second, " reply hello\n"), 20);
  EXPECT_GT(times(first.first + first.second, " none"), 0);
  EXPECT_GT(times(first.first + first.second, " lost"), 0);
  EXPECT_EQ(first.server, "1 held\n");
  EXPECT_EQ(first, run(3, bad));
  EXPECT_NE(first.digest, run(4, bad).digest);
}

}  // namespace
}  // namespace fata::test
