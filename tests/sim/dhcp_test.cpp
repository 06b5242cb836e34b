// DHCP clients and a server on a simulated network: lost messages, a server that is unavailable or
// has lost its state, leases that are renewed, lost and released.

#include <cstdlib>

#include "dhcp_server.hpp"
#include "fata/dhcp/dynamic_address.hpp"
#include "fata/stack/names.hpp"
#include "fata/stack/netstat.hpp"
#include "fata/stack/stack.hpp"

namespace fata::test {
namespace {

struct SimRandom {
  sim::Platform* platform;
  void fill(MutableBytes out) {
    for (std::byte& each : out) each = static_cast<std::byte>(platform->random());
  }
};
// A stack without IPv6 whose address is from DHCP.
class Client final : public Stack {
 public:
  using Address = dhcp::DynamicAddress<Core, stack::UdpOn<Core>, stack::Ipv4<Core>, Nic, SimRandom>;

  Client(async::Context& context, sim::NetDevice& nic, SimRandom& random)
      : Stack(context, nic, random, false) {}
  async::Task<bool> search(async::Context* context, SimRandom* random, dhcp::HostName name,
                           bool probe) {
    auto made = co_await Address::connect(*context, core(), udp(), ipv4(), nic(), *random,
                                          dhcp::Setup{}, Ipv4Address{}, name, probe);
    if (made) address_ = std::move(*made);
    co_return made.has_value();
  }
  dhcp::Driver* dhcp() { return address_->client(); }
  Address& address() { return *address_; }

 private:
  std::unique_ptr<Address> address_;
};

struct Lan : World {
  explicit Lan(std::uint64_t seed, std::size_t clients, const sim::LinkOptions& how = {})
      : World(seed) {
    sim::LearningSwitch& hub = network.add_switch();
    links.push_back(&network.join(server_nic, hub.port(), how));
    for (std::size_t i = 0; i < clients; ++i) {
      client_nics.push_back(&nic());
      links.push_back(&network.join(*client_nics.back(), hub.port(), how));
    }
  }
  SimRandom random{&platform};
  sim::NetDevice& server_nic = nic();
  std::vector<sim::NetDevice*> client_nics;
  std::vector<sim::Link*> links;
};

async::Task<std::unique_ptr<Client>> client(Lan* lan, std::size_t number, dhcp::HostName name = {},
                                            bool probe = true) {
  auto made = std::make_unique<Client>(lan->context, *lan->client_nics[number], lan->random);
  EXPECT_TRUE(co_await made->search(&lan->context, &lan->random, name, probe));
  co_return made;
}

// The invariants at any time: an address is used only until its lease ends and, on lossless links,
// by one client only.
void check_promises(Lan& lan, const DhcpServer& server,
                    std::span<const std::unique_ptr<Client>> clients, bool lossless) {
  std::set<std::uint32_t> used;
  for (const auto& each : clients) {
    if (each == nullptr || !each->dhcp()->client().has_address()) continue;
    const Ipv4Address address = each->dhcp()->client().lease().address.address;
    EXPECT_TRUE(each->core().host().is_ours(address));
    const auto promise = server.promised.find(each->core().host().interface(0).mac().octets);
    EXPECT_TRUE(promise != server.promised.end() && promise->second.address == address &&
                lan.platform.now() <= promise->second.until)
        << "an address beyond its lease";
    if (lossless) EXPECT_TRUE(used.insert(address.value).second) << "an address is used twice";
  }
}

async::Task<int> live(Lan* lan, std::uint64_t seed, bool lossless) {
  const auto draw = [lan](std::uint64_t most) { return lan->platform.random() % most; };
  DhcpHost server(lan->server_nic, {.lease = static_cast<std::uint32_t>(120 + draw(400))});
  std::vector<std::unique_ptr<Client>> clients(lan->client_nics.size());
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i] = co_await client(lan, i);
  const Instant end = lan->platform.now() + seconds(2 * 3600);
  Instant next_trouble = lan->platform.now();
  while (lan->platform.now() < end) {
    if (lan->platform.now() >= next_trouble) {
      server.up = draw(3) != 0;
      if (draw(4) == 0) server.server.forget();
      next_trouble = lan->platform.now() + seconds(static_cast<std::int64_t>(60 + draw(900)));
    }
    co_await async::sleep(milliseconds(static_cast<std::int64_t>(500 + draw(8000))));
    check_promises(*lan, server.server, clients, lossless);
  }
  // The server and the links work again.
  server.up = true;
  for (sim::Link* link : lan->links) link->options.loss = 0;
  co_await async::sleep(seconds(1500));
  check_promises(*lan, server.server, clients, true);
  for (const auto& each : clients) {
    Text<2000> state;
    each->dhcp()->write(state, lan->platform.now());
    state.put('\n');
    write_counters(state, each->dhcp()->counters());
    EXPECT_TRUE(each->dhcp()->client().has_address()) << state.view();
  }
  EXPECT_GT(server.server.acks, 2 * clients.size());
  co_return 0;
}

TEST(Dhcp, NoAddressOutlivesItsLeaseWhateverHappens) {
  const char* const asked = std::getenv("FATA_SEEDS");  // "FIRST:COUNT"
  std::uint64_t first = 1, count = 20;
  if (asked != nullptr) (void)std::sscanf(asked, "%lu:%lu", &first, &count);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const bool lossless = seed % 3 == 0;
    sim::LinkOptions how;
    how.jitter = microseconds(300);
    how.duplication = seed % 4 == 1 ? 50 : 0;
    how.reordering = seed % 5 == 1 ? 50 : 0;
    how.loss = lossless ? 0 : static_cast<unsigned>(seed * 37 % 250);
    Lan lan(seed, 3, how);
    EXPECT_EQ(lan.platform.run([&] { return live(&lan, seed, lossless); }), 0);
    if (HasFailure()) return;
  }
}

async::Task<int> start_quickly(Lan* lan) {
  DhcpHost server(lan->server_nic, {});
  const Instant began = lan->platform.now();
  const auto unprobed = co_await client(lan, 0, {}, false);
  EXPECT_LT(lan->platform.now() - began, milliseconds(100));
  EXPECT_TRUE(unprobed->dhcp()->client().has_address());
  const Instant again = lan->platform.now();
  const auto probed = co_await client(lan, 1);
  EXPECT_GT(lan->platform.now() - again, seconds(4));
  EXPECT_LT(lan->platform.now() - again, seconds(8));
  co_return 0;
}

TEST(Dhcp, WithoutTheProbesAnAddressIsUsedAtOnce) {
  Lan lan(1, 2);
  EXPECT_EQ(lan.platform.run([&] { return start_quickly(&lan); }), 0);
}

// A host with a static address uses the server's first address.
async::Task<int> yield(Lan* lan, bool probe) {
  DhcpHost server(lan->server_nic, {});
  Stack squatter(lan->context, *lan->client_nics[1], lan->random, false);
  squatter.use({Ipv4Address::of(10, 0, 0, 100), 24});
  co_await async::sleep(seconds(10));
  const auto late = co_await client(lan, 0, {}, probe);
  co_await async::sleep(seconds(60));
  EXPECT_TRUE(late->dhcp()->client().has_address());
  EXPECT_EQ(late->dhcp()->client().lease().address.address, Ipv4Address::of(10, 0, 0, 101));
  EXPECT_EQ(late->dhcp()->client().count(dhcp::Client::kConflicts), 1u);
  co_return 0;
}

TEST(Dhcp, AnAddressThatSomebodyHasIsDeclinedProbedOrNot) {
  for (const bool probe : {true, false}) {
    Lan lan(1, 2);
    EXPECT_EQ(lan.platform.run([&] { return yield(&lan, probe); }), 0) << probe;
  }
}

async::Task<int> expire(Lan* lan) {
  DhcpHost server(lan->server_nic, {.lease = 400});
  const auto one = co_await client(lan, 0);
  const Ipv4Address address = one->dhcp()->client().lease().address.address;
  const Instant end = one->dhcp()->client().lease().end;
  EXPECT_EQ(one->v4().routes().all().size(), 2u);
  server.up = false;
  co_await async::sleep(end - lan->platform.now() - milliseconds(100));
  EXPECT_EQ(one->dhcp()->client().state(), dhcp::Client::State::kRebinding);
  EXPECT_TRUE(one->core().host().is_ours(address));
  co_await async::sleep(milliseconds(200));
  EXPECT_FALSE(one->core().host().is_ours(address));
  EXPECT_TRUE(one->v4().routes().all().empty());
  EXPECT_TRUE(one->dhcp()->name_servers().empty());
  server.up = true;
  server.server.forget();
  co_await async::sleep(seconds(90));
  EXPECT_TRUE(one->dhcp()->client().has_address());
  EXPECT_EQ(one->v4().routes().all().size(), 2u);
  co_return 0;
}

TEST(Dhcp, ALeaseThatNobodyRenewsEndsAndTheSearchBeginsAnew) {
  Lan lan(1, 1);
  EXPECT_EQ(lan.platform.run([&] { return expire(&lan); }), 0);
}

async::Task<int> restart(Lan* lan) {
  DhcpHost server(lan->server_nic, {.lease = 400});
  const auto one = co_await client(lan, 0);
  server.server.forget();
  co_await async::sleep(seconds(230));
  EXPECT_EQ(server.server.naks, 1u);
  EXPECT_TRUE(one->dhcp()->client().has_address())
      << "renewal was refused, and a new address found at once";
  EXPECT_EQ(one->dhcp()->client().count(dhcp::Client::kNaks), 1u);
  co_return 0;
}

TEST(Dhcp, AServerThatHasForgottenRefusesTheRenewalAndGivesAnAddressAnew) {
  Lan lan(1, 1);
  EXPECT_EQ(lan.platform.run([&] { return restart(&lan); }), 0);
}

async::Task<int> tell_names(Lan* lan) {
  DhcpHost server(lan->server_nic, {});
  server.more = {{6, dhcp::octets({10, 0, 0, 2, 10, 0, 0, 3})},
                 {15, dhcp::octets({'l', 'a', 'b', '.', 't', 'e', 's', 't'})},
                 {42, dhcp::octets({10, 0, 0, 4, 10, 0, 0, 5})},
                 {12, dhcp::octets({'p', '7'})},
                 {119, dhcp::octets({1, 'a', 0, 1, 'b', 0xc0, 0})}};
  const auto one = co_await client(lan, 0, {"printer"});
  EXPECT_EQ(server.server.host_names[lan->client_nics[0]->mac().octets], "printer");
  const stack::Names<Stack::Core> names(one->core());
  static_assert(sig::Names<stack::Names<Stack::Core>>);
  std::array<IpAddress, 4> found;
  EXPECT_EQ(names.name_servers(found), 2u);
  EXPECT_EQ(found[1], IpAddress(Ipv4Address::of(10, 0, 0, 3)));
  EXPECT_EQ(names.name_servers(std::span(found).first(1)), 1u);
  Text<64> domain;
  names.write_domain(domain);
  EXPECT_EQ(domain.view(), "lab.test");
  EXPECT_EQ(names.time_servers(found), 2u);
  EXPECT_EQ(found[1], IpAddress(Ipv4Address::of(10, 0, 0, 5)));

  stack::Netstat netstat(one->core().host(), one->udp().table());
  Text<4096> report;
  EXPECT_FALSE(netstat.write_part(report, 4096, one->core().parts(), lan->platform.now()));
  const std::string text(report.view());
  EXPECT_NE(text.find("\ndhcp on 0 bound 10.0.0.100/24 from 10.0.0.2 for 5"), text.npos) << text;
  EXPECT_NE(
      text.find(" of 600 s dns 10.0.0.2 dns 10.0.0.3 ntp 10.0.0.4 ntp 10.0.0.5 domain lab.test"
                " host p7 search a b.a\n"),
      text.npos)
      << text;
  EXPECT_NE(text.find("\ncounters dhcp: dhcp_sent 2, dhcp_received 2"), text.npos) << text;
  co_return 0;
}

TEST(Dhcp, NamesReachTheServerTheApplicationAndTheReport) {
  Lan lan(1, 1);
  EXPECT_EQ(lan.platform.run([&] { return tell_names(&lan); }), 0);
}

struct TwoLans : Lan {
  TwoLans() : Lan(1, 1) { network.join(second_nic, second_server_nic, {}); }
  sim::NetDevice& second_nic = nic();
  sim::NetDevice& second_server_nic = nic();
};

async::Task<int> serve_both(TwoLans* lan) {
  DhcpHost first(lan->server_nic, {.lease = 300});
  DhcpHost second(lan->second_server_nic, {.own = Ipv4Address::of(10, 0, 1, 2), .lease = 300});
  {
    const auto stack = co_await client(lan, 0, {}, false);
    Stack::Nic nic(stack->core(), lan->second_nic);
    using Both =
        dhcp::DynamicAddress<Stack::Core, stack::UdpOn<Stack::Core>, stack::Ipv4<Stack::Core>,
                             Stack::Nic, SimRandom, Client::Address>;
    const auto both =
        co_await Both::connect(lan->context, stack->core(), stack->udp(), stack->ipv4(), nic,
                               lan->random, stack->address(), dhcp::Setup{}, {"second"}, false);
    EXPECT_TRUE(both);
    EXPECT_TRUE(stack->core().host().is_ours(Ipv4Address::of(10, 0, 0, 100)));
    EXPECT_TRUE(stack->core().host().is_ours(Ipv4Address::of(10, 0, 1, 100)));
    co_await async::sleep(seconds(1000));  // both leases are renewed
    EXPECT_TRUE(stack->core().host().is_ours(Ipv4Address::of(10, 0, 0, 100)));
    EXPECT_TRUE(stack->core().host().is_ours(Ipv4Address::of(10, 0, 1, 100)));
    EXPECT_GT(first.server.acks, 5u);
    EXPECT_GT(second.server.acks, 5u);
    EXPECT_EQ(second.server.host_names[lan->second_nic.mac().octets], "second");
  }
  co_await async::sleep(seconds(1));
  EXPECT_EQ(first.server.held() + second.server.held(), 0u) << "not given back";
  co_return 0;
}

// A lease for each of three NICs, or for two if the first one's address is static.
async::Task<int> start_three(Lan* lan, bool first_is_static) {
  DhcpHost server(lan->server_nic, {});
  Stack stack(lan->context, *lan->client_nics[0], lan->random, false);
  using Nic = Stack::Nic;
  Nic second_nic(stack.core(), *lan->client_nics[1]), third_nic(stack.core(), *lan->client_nics[2]);
  using First = Client::Address;
  using Second = dhcp::DynamicAddress<Stack::Core, stack::UdpOn<Stack::Core>,
                                      stack::Ipv4<Stack::Core>, Nic, SimRandom, First>;
  using Third = dhcp::DynamicAddress<Stack::Core, stack::UdpOn<Stack::Core>,
                                     stack::Ipv4<Stack::Core>, Nic, SimRandom, Second>;
  dhcp::Setup setup;
  if (first_is_static) setup = {.dhcp = false, .address = {Ipv4Address::of(10, 7, 0, 1), 24}};
  const Instant began = lan->platform.now();
  auto first = co_await First::connect(lan->context, stack.core(), stack.udp(), stack.ipv4(),
                                       stack.nic(), lan->random, setup, {}, {}, true, false);
  auto second =
      co_await Second::connect(lan->context, stack.core(), stack.udp(), stack.ipv4(), second_nic,
                               lan->random, **first, dhcp::Setup{}, {}, true, false);
  EXPECT_EQ(lan->platform.now(), began);
  auto third = co_await Third::connect(lan->context, stack.core(), stack.udp(), stack.ipv4(),
                                       third_nic, lan->random, **second, dhcp::Setup{}, {}, true);
  const Duration took = lan->platform.now() - began;
  EXPECT_GT(took, seconds(4));  // one after the other, it would be at least 8 s
  EXPECT_LT(took, milliseconds(7500));
  EXPECT_EQ(server.server.held(), first_is_static ? 2u : 3u);
  unsigned drivers = 0;
  for (dhcp::Driver* each = (*third)->client(); each != nullptr; each = each->next()) {
    EXPECT_TRUE(each->client().has_address());
    ++drivers;
  }
  EXPECT_EQ(drivers, first_is_static ? 2u : 3u);
  third->reset();
  second->reset();
  co_return 0;
}

TEST(Dhcp, ThreeNicsOfAStackHaveTheirLeasesInTheTimeOfOne) {
  for (const bool first_is_static : {false, true}) {
    Lan lan(3, 3);
    EXPECT_EQ(lan.platform.run([&] { return start_three(&lan, first_is_static); }), 0);
  }
}

TEST(Dhcp, EachNicOfAStackHasALeaseOfItsOwn) {
  TwoLans lan;
  EXPECT_EQ(lan.platform.run([&] { return serve_both(&lan); }), 0);
}

}  // namespace
}  // namespace fata::test
