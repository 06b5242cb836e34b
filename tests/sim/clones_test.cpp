// Hosts that continue from one state, like machines restored from one snapshot. Before the restore
// they are identical to the bit; afterwards their random values differ.
#include <map>
#include <set>

#include "fata/stack/tcp.hpp"
#include "world.hpp"

namespace fata::test {
namespace {

struct SimRandom {
  sim::Platform* platform;
  void fill(MutableBytes out) {
    for (std::byte& each : out) each = static_cast<std::byte>(platform->random());
  }
};

// The observable values of a host, by name.
using Seen = std::map<std::string, std::vector<std::uint64_t>>;

struct Lab {
  World world{7};
  // A small MTU, so that packets may be fragmented and carry an identification.
  sim::NetDevice& nic = world.nic({.mtu = 552});
  sim::NetDevice& peer_nic = world.nic();
  sim::Link& link = world.network.join(nic, peer_nic);
  SimRandom random{&world.platform};
  std::unique_ptr<Stack> host;
  std::unique_ptr<Stack> peer;
  Seen now;

  Lab() {
    world.network.on_frame = [this](const sim::FrameEvent& event) {
      if (event.side == 0) look(event.bytes);
    };
  }

  void see(const std::string& what, std::uint64_t value) { now[what].push_back(value); }
  // A frame from the host: Ethernet, IPv4 without options, TCP.
  void look(Bytes frame) {
    const auto type = load_be<std::uint16_t>(frame.subspan(12));
    if (type == 0x0806 && frame.subspan(28, 4)[3] == frame.subspan(38, 4)[3]) see("announced", 0);
    if (type != 0x0800) return;
    const Bytes packet = frame.subspan(14);
    if (packet[9] == std::byte{17})
      see("identification", load_be<std::uint16_t>(packet.subspan(4)));
    if (packet[9] != std::byte{6}) return;
    const Bytes segment = packet.subspan(20);
    const auto flags = static_cast<unsigned>(segment[13]) & 0x12;
    if (flags == 0x02) {
      see("port of a connection", load_be<std::uint16_t>(segment));
      see("number of a SYN", load_be<std::uint32_t>(segment.subspan(4)));
    }
    if (flags == 0x12) see("number of a SYN-ACK", load_be<std::uint32_t>(segment.subspan(4)));
  }
};

async::Task<void> say(stack::TcpFlow* flow, std::string text) {
  PacketBuf packet = flow->allocate(0, text.size());
  copy_bytes(packet.append(text.size()), as_bytes(text));
  std::array<Slice, 1> out{Slice(std::move(packet))};
  const auto written = co_await flow->write(out, async::Wait::at_most(seconds(5)));
  EXPECT_EQ(written.accepted, text.size());
}

async::Task<void> draw(Lab* lab, std::uint16_t port) {
  lab->now.clear();
  for (unsigned i = 0; i < 3; ++i) {
    const auto socket = bound(*lab->peer, 0);
    auto own = lab->host->bind({Ipv4Address{}, 0});
    EXPECT_TRUE(own);
    lab->see("port of a socket", (*own)->local().port);
    EXPECT_TRUE(co_await send(own->get(), at(2, 7), "hello"));
  }
  const auto at_peer = lab->peer->tcp().listen({Ipv4Address{}, port}, 4);
  const auto at_host = lab->host->tcp().listen({Ipv4Address{}, port}, 4);
  EXPECT_TRUE(at_peer && at_host);
  const auto out = co_await lab->host->tcp().connect(at(2, port), async::Wait::at_most(seconds(5)));
  const auto in = co_await lab->peer->tcp().connect(at(1, port), async::Wait::at_most(seconds(5)));
  EXPECT_TRUE(out && in);
  co_await async::sleep(milliseconds(50));
}

struct Life {
  Seen before, after;
};

// `number` identifies the clone; 0 is the original, which is not restored.
async::Task<int> live(Lab* lab, unsigned number, Life* life) {
  lab->host = std::make_unique<Stack>(lab->world.context, lab->nic, lab->random);
  lab->host->use(cidr(1));
  lab->host->use_ipv6({});
  lab->peer = co_await host(&lab->world, &lab->peer_nic, cidr(2));
  co_await async::sleep(seconds(5));
  const auto listener = lab->host->tcp().listen({Ipv4Address{}, 80}, 4);
  const auto old = co_await lab->peer->tcp().connect(at(1, 80), async::Wait::at_most(seconds(5)));
  EXPECT_TRUE(listener && old);
  const auto accepted = co_await (*listener)->accept({});
  co_await draw(lab, 1000);
  life->before = lab->now;

  for (unsigned i = 0; i < number; ++i) (void)lab->world.platform.random();
  lab->now.clear();
  lab->world.platform.generation += number == 0 ? 0 : 1;
  co_await async::sleep(seconds(5));
  EXPECT_EQ(lab->now.contains("announced"), number != 0);
  co_await draw(lab, 2000);
  life->after = lab->now;

  co_await say(old->get(), "still there");
  const auto got = co_await (*accepted)->read(async::Wait::at_most(seconds(5)));
  EXPECT_TRUE(got && got->text() == "still there") << "a connection did not go on";
  co_return 0;
}

TEST(Clones, HostsThatGoOnFromOneStateShareNothingThatWasDrawnAtRandom) {
  constexpr unsigned kClones = 20;
  std::vector<Life> lives(kClones + 1);
  for (unsigned i = 0; i <= kClones; ++i) {
    Lab lab;
    lab.world.platform.run([&] { return live(&lab, i, &lives[i]); });
    EXPECT_EQ(lives[i].before, lives[0].before) << "they were not alike";
  }
  for (const auto& [what, values] : lives[0].after) {
    std::multiset<std::vector<std::uint64_t>> all;
    for (const Life& life : lives) all.insert(life.after.at(what));
    for (const auto& each : all)
      EXPECT_EQ(all.count(each), 1u) << what << " is the same in two clones";
    EXPECT_FALSE(values.empty());
  }
  EXPECT_EQ(lives[0].after.size(), 5u) << "something was not seen";
}

TEST(Clones, WithoutARestoreARunRepeatsToTheBit) {
  std::array<Life, 2> lives;
  for (Life& life : lives) {
    Lab lab;
    lab.world.platform.run([&] { return live(&lab, 0, &life); });
  }
  EXPECT_EQ(lives[0].after, lives[1].after);
}

}  // namespace
}  // namespace fata::test
