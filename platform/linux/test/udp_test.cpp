#include "fata/linux/udp.hpp"

#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstdlib>

#include "fata/linux/run.hpp"

namespace fata::linux {
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
  for (int i = 0; i < 100; ++i)
    out.push_back(datagram(**client, bound.is_any() ? to : (*server)->local(), std::to_string(i)));
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

const IpAddress kLoopback6 = IpAddress::of(0, 0, 0, 0, 0, 0, 0, 1);

// A query from `from` to `to`; the reply must come from the queried address.
async::Task<void> one_socket_serves(IpAddress from, IpAddress to) {
  Udp udp;
  auto server = udp.bind({IpAddress(), 0});
  auto client = udp.bind({from, 0});
  EXPECT_TRUE(server && client);
  if (!server || !client) co_return;
  std::array<sig::TxDatagram, 1> out{datagram(**client, {to, (*server)->local().port}, "query")};
  EXPECT_TRUE(co_await (*client)->send(out, {}));
  std::array<sig::RxDatagram, 1> in;
  EXPECT_TRUE(co_await (*server)->receive(in, async::Wait::at_most(seconds(5))));
  EXPECT_EQ(in[0].source, (*client)->local());
  EXPECT_EQ(in[0].destination, to);
  out[0] = datagram(**server, in[0].source, "answer");
  out[0].source = in[0].destination;
  EXPECT_TRUE(co_await (*server)->send(out, {}));
  EXPECT_TRUE(co_await (*client)->receive(in, async::Wait::at_most(seconds(5))));
  EXPECT_EQ(in[0].payload.text(), "answer");
  EXPECT_EQ(in[0].source, (Endpoint{to, (*server)->local().port}));
}
bool has_ipv6() {
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}
TEST(HostUdp, OneSocketServesBothFamilies) {
  run([] {
    return one_socket_serves(Ipv4Address::of(127, 0, 0, 1), Ipv4Address::of(127, 0, 0, 77));
  });
  if (!has_ipv6()) GTEST_SKIP() << "this host has no IPv6";
  run([] { return one_socket_serves(kLoopback6, kLoopback6); });
}

// On the loopback interface, which Linux numbers 1.
async::Task<void> shares_groups(IpAddress group) {
  Udp udp;
  const sig::UdpOptions options{
      .shared = true, .arrival = true, .multicast_loop = true, .multicast_hop_limit = 255};
  auto first = udp.bind({IpAddress(), 0}, options);
  EXPECT_TRUE(first);
  if (!first) co_return;
  const Endpoint to{group, (*first)->local().port};
  auto second = udp.bind({IpAddress(), to.port}, options);
  auto stranger = udp.bind({IpAddress(), to.port}, options);
  EXPECT_TRUE(second && stranger);
  EXPECT_FALSE(udp.bind({IpAddress(), to.port})) << "not without the option";
  EXPECT_TRUE((*first)->join(group, 1) && (*first)->join(group, 1) && (*second)->join(group, 1));
  EXPECT_FALSE((*first)->join(group, 60000)) << "there is no such interface";
  for (const std::string_view text : {"both", "one"}) {
    std::array<sig::TxDatagram, 1> out{datagram(**first, to, text)};
    out[0].interface = 1;
    EXPECT_TRUE(co_await (*first)->send(out, {}));
    std::array<sig::RxDatagram, 1> in;
    for (UdpSocket* member : {first->get(), second->get(), stranger->get()}) {
      const bool listens = text == "both" ? member != stranger->get() : member == second->get();
      const auto wait = async::Wait::at_most(listens ? seconds(5) : milliseconds(50));
      EXPECT_EQ((co_await member->receive(in, wait)).has_value(), listens);
      if (!listens) continue;
      EXPECT_EQ(in[0].payload.text(), text);
      EXPECT_EQ(in[0].destination, group);
      EXPECT_EQ(in[0].interface, 1);
      EXPECT_EQ(in[0].hop_limit, 255);
      in[0].payload = {};
    }
    (*first)->leave(group, 1);
  }
}
TEST(HostUdp, SharesAPortAmongTheMembersOfAGroup) {
  run([] { return shares_groups(Ipv4Address::of(224, 0, 0, 251)); });
}

// A link-local address of this host with the zone of its interface, if it has one.
std::optional<IpAddress> link_local() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return std::nullopt;
  std::optional<IpAddress> found;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET6) continue;
    sockaddr_in6 at;
    std::memcpy(&at, each->ifa_addr, sizeof at);
    const IpAddress address = IpAddress::of_octets(
        Bytes(as_bytes(std::string_view(reinterpret_cast<const char*>(&at.sin6_addr), 16))));
    if (address.is_link_local())
      found = address.with_scope(static_cast<std::uint16_t>(at.sin6_scope_id));
  }
  ::freeifaddrs(all);
  return found;
}
TEST(HostUdp, ALinkLocalAddressKeepsItsZone) {
  const auto address = link_local();
  if (!address) GTEST_SKIP() << "this host has no link-local address";
  run([&] { return one_socket_serves(*address, *address); });
}

// Refuses IPv6 sockets from now on, like a Linux without IPv6.
void switch_ipv6_off() {
  std::array<sock_filter, 6> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), program.data()};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}
TEST(HostUdpDeathTest, WhereThereIsNoIpv6TheSocketOfBothFamiliesIsOneOfIpv4) {
  const auto serve_without_ipv6 = [] {
    switch_ipv6_off();
    EXPECT_FALSE(Udp().bind({kLoopback6, 0}));
    run([] {
      return one_socket_serves(Ipv4Address::of(127, 0, 0, 1), Ipv4Address::of(127, 0, 0, 1));
    });
    std::_Exit(testing::Test::HasFailure() ? 1 : 0);
  };
  EXPECT_EXIT(serve_without_ipv6(), testing::ExitedWithCode(0), "");
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
}  // namespace fata::linux
