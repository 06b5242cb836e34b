#include "fata/host/udp.hpp"

#include <gtest/gtest.h>

#include "fata/host/run.hpp"

namespace fata::host {
namespace {

async::Task<int> as_int(async::Task<void> task) {
  co_await std::move(task);
  co_return 0;
}
template <class F>
void run(F make) {
  async::Loop loop;
  enter(loop);
  loop.run(as_int(make()));
}

sig::TxDatagram datagram(UdpSocket& socket, Endpoint to, std::string_view text) {
  sig::TxDatagram out{to, {}, socket.allocate()};
  copy_bytes(out.payload.append(text.size()), as_bytes(text));
  return out;
}

async::Task<void> exchange(IpAddress bound) {
  Udp udp;
  auto server = udp.bind({bound, 0});
  auto client = udp.bind({Ipv4Address::of(127, 0, 0, 1), 0});
  EXPECT_TRUE(server && client);
  const Endpoint to{Ipv4Address::of(127, 0, 0, 2), (*server)->local().port};
  std::vector<sig::TxDatagram> out;
  for (int i = 0; i < 100; ++i) out.push_back(datagram(**client, bound.is_any() ? to : (*server)->local(), std::to_string(i)));
  EXPECT_TRUE(co_await (*client)->send(out, {}));
  std::array<sig::RxDatagram, 32> in;
  int next = 0;
  while (next < 100) {
    const auto count = co_await (*server)->receive(in, async::Wait::at_most(seconds(5)));
    EXPECT_TRUE(count.has_value());
    if (!count) break;
    for (sig::RxDatagram& d : std::span(in).first(*count)) {
      EXPECT_EQ(d.payload.text(), std::to_string(next++));
      EXPECT_EQ(d.source, (*client)->local());
      EXPECT_EQ(d.destination, bound.is_any() ? to.address : bound);
      d.payload = {};
    }
  }
}
TEST(HostUdp, CarriesBatchesInOrder) {
  run([] { return exchange(Ipv4Address::of(127, 0, 0, 1)); });
}
TEST(HostUdp, TellsWhichAddressADatagramWasSentTo) {
  run([] { return exchange(Ipv4Address{}); });
}

async::Task<void> answers_from(Ipv4Address from) {
  Udp udp;
  auto server = udp.bind({Ipv4Address{}, 0});
  auto client = udp.bind({Ipv4Address::of(127, 0, 0, 1), 0});
  std::array<sig::TxDatagram, 1> out{datagram(**server, (*client)->local(), "answer")};
  out[0].source = from;
  EXPECT_TRUE(co_await (*server)->send(out, {}));
  std::array<sig::RxDatagram, 1> in;
  EXPECT_TRUE(co_await (*client)->receive(in, async::Wait::at_most(seconds(5))));
  EXPECT_EQ(in[0].source.address, IpAddress(from));
}
TEST(HostUdp, AnswersFromTheAddressThatWasAsked) {
  run([] { return answers_from(Ipv4Address::of(127, 0, 0, 77)); });
}

async::Task<void> too_long() {
  Udp udp;
  auto server = udp.bind({Ipv4Address::of(127, 0, 0, 1), 0});
  auto client = udp.bind({Ipv4Address::of(127, 0, 0, 1), 0});
  std::array<sig::TxDatagram, 2> out;
  BufferPool large(1, 4000);
  out[0] = {(*server)->local(), {}, large.allocate()};
  (void)out[0].payload.append(3000);
  out[1] = datagram(**client, (*server)->local(), "short");
  EXPECT_TRUE(co_await (*client)->send(out, {}));
  std::array<sig::RxDatagram, 4> in;
  EXPECT_EQ(co_await (*server)->receive(in, async::Wait::at_most(seconds(5))), 1U);
  EXPECT_EQ(in[0].payload.text(), "short");
  EXPECT_EQ((*server)->counters()[UdpSocket::kTooLong].value, 1U);
}
TEST(HostUdp, DropsAndCountsWhatIsLongerThanItsBuffers) {
  run([] { return too_long(); });
}

async::Task<void> timeout() {
  Udp udp;
  auto server = udp.bind({Ipv4Address::of(127, 0, 0, 1), 0});
  std::array<sig::RxDatagram, 1> in;
  const auto count = co_await (*server)->receive(in, async::Wait::at_most(milliseconds(5)));
  EXPECT_TRUE(!count && count.error().is(async::Errc::kTimedOut));
  const auto taken = udp.bind((*server)->local());
  EXPECT_TRUE(!taken);
}
TEST(HostUdp, GivesUpAtTheDeadlineAndRefusesATakenPort) {
  run([] { return timeout(); });
}

}  // namespace
}  // namespace fata::host
