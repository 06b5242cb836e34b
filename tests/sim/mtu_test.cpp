// Links with a range of MTUs: datagrams, echo requests and streams of both families arrive
// complete, with and without offloads and a VLAN, and nothing is dropped.
#include <map>

#include "fata/stack/ping.hpp"
#include "world.hpp"

namespace fata::test {
namespace {

constexpr std::size_t kMinV6 = 1280;
constexpr std::size_t kDatagrams = 12;

struct Case {
  std::size_t mtu;
  sim::Segmentation segmentation = sim::Segmentation::kNone;
  bool checksum_offload = false;
  stack::Vlan vlan{};
};

std::string pattern(std::size_t size) {
  std::string made(size, '\0');
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>(i * 31 + (i >> 8) * 7);
  return made;
}

async::Task<std::unique_ptr<Stack>> machine(World* world, sim::NetDevice* nic, std::uint8_t last,
                                            stack::Vlan vlan) {
  PlatformRandom random;
  const ip::ipv6::Setup v6{ip::ipv6::Setup::Mode::kStatic, {at6(last, 0).address, 64}};
  auto made = std::make_unique<Stack>(world->context, *nic, random, true, vlan);
  made->use(cidr(last));
  made->use_ipv6(v6);
  co_return made;
}

// Sends datagrams with sizes from zero to several frames, in both directions. A datagram that is
// longer than a buffer is sent in pieces.
async::Task<void> datagrams(World* world, Stack* from, Stack* to, Endpoint there, std::size_t mtu) {
  const auto asking = bound(*from, 0);
  const auto answering = bound(*to, 7);
  BufferPool pieces(8, 65536);
  const std::size_t whole = mtu - (there.address.is_v4() ? 28 : 48);
  // A burst has at most as many fragments as a NIC queues.
  const std::size_t most = std::min<std::size_t>(65'507 - 8, 30 * whole);
  std::vector<std::size_t> sizes{0, 1, whole - 1, whole, whole + 1, 2 * whole, most};
  while (sizes.size() < kDatagrams) sizes.push_back(world->platform.random() % (most + 1));
  for (const std::size_t size : sizes) {
    const std::string text = pattern(std::min(size, most));
    for (const auto& [source, target] :
         {std::pair(asking.get(), answering.get()), {answering.get(), asking.get()}}) {
      std::array<sig::TxDatagram, 1> out;
      out[0].destination =
          target == answering.get()
              ? there
              : Endpoint{there.address.is_v4() ? at(1, 0).address : at6(1, 0).address,
                         asking->local().port};
      out[0].payload = source->allocate();
      if (!out[0].payload) {
        ADD_FAILURE() << "no buffer";
        co_return;
      }
      const std::size_t first = std::min(text.size(), source->max_payload());
      EXPECT_GE(out[0].payload.tailroom(), source->max_payload());
      copy_bytes(out[0].payload.append(first), as_bytes(std::string_view(text).substr(0, first)));
      if (first != text.size())
        out[0].payload.chain().push(
            Slice(pieces.copy(as_bytes(std::string_view(text).substr(first)))));
      EXPECT_TRUE(co_await source->send(out, {}));
      const auto heard = co_await receive(target, seconds(20));
      EXPECT_TRUE(heard && heard->text == text)
          << text.size() << " bytes of UDP to " << (there.address.is_v4() ? 4 : 6);
      if (!heard) co_return;
    }
  }
}

async::Task<void> echoes(stack::Ping<Stack::Core>* ping, IpAddress to, std::size_t mtu) {
  for (const std::size_t size : {std::size_t{0}, mtu - 48, mtu, 3 * mtu, 20 * mtu}) {
    const auto answer =
        co_await ping->echo(to, std::min<std::size_t>(size, stack::Pinger::kMaxData),
                            async::Wait::at_most(seconds(20)));
    EXPECT_TRUE(answer) << size << " bytes of echo request";
  }
}

async::Task<void> write_all(stack::TcpFlow* flow, std::string_view text) {
  while (!text.empty()) {
    PacketBuf buffer = flow->allocate(0, 1);
    const std::size_t count = std::min(text.size(), buffer.tailroom());
    copy_bytes(buffer.append(count), as_bytes(text.substr(0, count)));
    text.remove_prefix(count);
    std::array<Slice, 1> out{Slice(std::move(buffer))};
    const auto outcome = co_await flow->write(out, async::Wait::at_most(seconds(600)));
    EXPECT_FALSE(outcome.error);
    if (outcome.error) co_return;
  }
  EXPECT_TRUE(co_await flow->shutdown(async::Wait::at_most(seconds(600))));
}
async::Task<void> read_all(stack::TcpFlow* flow, std::string_view expected, bool* same) {
  std::string heard;
  for (;;) {
    const Result<Slice> slice = co_await flow->read(async::Wait::at_most(seconds(600)));
    EXPECT_TRUE(slice) << "after " << heard.size() << " bytes of TCP";
    if (!slice || slice->empty()) break;
    heard += slice->text();
  }
  *same = heard == expected;
}

// Runs a stream in each direction at the same time.
async::Task<void> streams(Stack* from, Stack* to, Endpoint there, std::size_t mtu) {
  const std::string text = pattern(std::max<std::size_t>(20'000, 4 * mtu));
  auto listener = to->tcp().listen({{}, there.port}, 4);
  EXPECT_TRUE(listener);
  auto client = co_await from->tcp().connect(there, async::Wait::at_most(seconds(60)));
  EXPECT_TRUE(client) << "TCP at an MTU of " << mtu;
  if (!client) co_return;
  auto server = co_await (*listener)->accept(async::Wait::at_most(seconds(60)));
  EXPECT_TRUE(server);
  if (!server) co_return;
  bool there_same = false, back_same = false;
  async::Scope scope;
  scope.spawn(write_all(client->get(), text));
  scope.spawn(write_all(server->get(), text));
  scope.spawn(read_all(server->get(), text, &there_same));
  scope.spawn(read_all(client->get(), text, &back_same));
  co_await scope.join();
  EXPECT_TRUE(there_same && back_same) << "TCP at an MTU of " << mtu;
}

async::Task<int> talk(World* world, sim::NetDevice* a, sim::NetDevice* b, const Case* how) {
  const auto one = co_await machine(world, a, 1, how->vlan);
  const auto two = co_await machine(world, b, 2, how->vlan);
  EXPECT_EQ(one->interface().mtu(), how->mtu);
  stack::Ping<Stack::Core> ping(one->core());
  co_await async::sleep(seconds(10));  // the addresses are in use and announced
  for (const Endpoint& there : {at(2, 7), at6(2, 7)}) {
    if (!there.address.is_v4() && how->mtu < kMinV6) continue;
    co_await datagrams(world, one.get(), two.get(), there, how->mtu);
    co_await echoes(&ping, there.address, how->mtu);
    co_await streams(one.get(), two.get(), there, how->mtu);
  }
  co_await async::sleep(seconds(200));
  for (const auto* name :
       {"too_long", "v6_too_long", "unfit", "overflow", "no_buffer", "no_memory", "bad_ip",
        "v6_no_memory", "fragment_room", "v6_fragment_room", "waited_in_vain", "v6_waited_in_vain",
        "other_vlan", "reassembly_timeout", "v6_reassembly_timeout"})
    EXPECT_EQ(one->host().count(name) + two->host().count(name), 0u) << name;
  co_return 0;
}

void run(const Case& how) {
  SCOPED_TRACE("MTU " + std::to_string(how.mtu) + ", segmentation " +
               std::to_string(static_cast<int>(how.segmentation)) + ", VLAN " +
               std::to_string(how.vlan.id));
  World world(how.mtu);
  world.context.memory = 256 << 20;
  sim::DeviceOptions options;
  options.mtu = how.mtu;
  // On a link with a small MTU, a TCP window is many packets. None must be lost for lack of a
  // buffer or a ring entry.
  options.buffers = how.mtu < 128 ? 8192 : 512;
  options.ring = how.mtu < 128 ? 2048 : 128;
  options.checksum_offload = how.checksum_offload;
  options.segmentation = how.segmentation;
  sim::NetDevice& a = world.nic(options);
  sim::NetDevice& b = world.nic(options);
  world.network.join(a, b, {});
  world.platform.run([&] { return talk(&world, &a, &b, &how); });
  for (const sim::NetDevice* nic : {&a, &b}) {
    for (const auto which :
         {sim::NetDevice::kTooLong, sim::NetDevice::kOverrun, sim::NetDevice::kNoBuffer})
      EXPECT_EQ(nic->count(which), 0u) << which;
  }
}

constexpr std::size_t kMtus[] = {68,   69,   75,   76,    100,   127,    128,    256,   296,
                                 552,  575,  576,  577,   1006,  1279,   1280,   1281,  1287,
                                 1492, 1500, 1976, 2003,  2004,  2020,   2048,   4096,  4352,
                                 8191, 9000, 9216, 16384, 32768, 60'000, 65'520, 65'521};

TEST(EveryMtu, CarriesAllWithoutOffloads) {
  for (const std::size_t mtu : kMtus) run({mtu});
}
TEST(EveryMtu, CarriesAllWithANicThatSums) {
  for (const std::size_t mtu : kMtus) run({mtu, sim::Segmentation::kNone, true});
}
TEST(EveryMtu, CarriesAllWithANicThatCuts) {
  for (const std::size_t mtu : kMtus) run({mtu, sim::Segmentation::kCuts, true});
}
TEST(EveryMtu, CarriesAllInAVlan) {
  for (const std::size_t mtu : {68, 576, 1280, 1500, 9000, 65'521}) {
    for (const auto segmentation :
         {sim::Segmentation::kNone, sim::Segmentation::kCuts, sim::Segmentation::kWhole})
      run({static_cast<std::size_t>(mtu),
           segmentation,
           segmentation != sim::Segmentation::kNone,
           {42}});
  }
}

}  // namespace
}  // namespace fata::test
