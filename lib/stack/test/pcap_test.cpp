#include "fata/stack/pcap.hpp"

#include "fata/sig/archetype.hpp"
#include "fata/sim/net_device.hpp"
#include "fata/stack/addresses.hpp"
#include "fata/stack/families.hpp"
#include "fata/stack/net_interface.hpp"
#include "fata/stack/stack.hpp"
#include "fata/stack/udp.hpp"
#include "pcap_reader.hpp"

namespace fata::stack {
namespace {

struct Sink {
  bool on = true;
  std::vector<std::byte> bytes;
  bool enabled() const { return on; }
  void write(Bytes block) { bytes.insert(bytes.end(), block.begin(), block.end()); }
};

}  // namespace
}  // namespace fata::stack

// The wrapper may use only what the concepts guarantee.
template class fata::stack::PcapDevice<fata::sig::archetype::NetDevice, fata::sig::archetype::Clock,
                                       fata::stack::Sink>;

namespace fata::stack {
namespace {

static_assert(sig::NetDevice<PcapDevice<sig::archetype::NetDevice, sig::archetype::Clock, Sink>>);

TEST(Pcap, BlocksOfEveryLengthAreReadBackAsTheyWere) {
  std::vector<std::byte> file(pcap::kPreambleSize);
  ASSERT_EQ(pcap::write_preamble(file), pcap::kPreambleSize);
  std::vector<std::vector<std::byte>> frames;
  for (const std::size_t size : {0, 1, 2, 3, 4, 14, 60, 61, 1514}) {
    frames.emplace_back(size, static_cast<std::byte>(size));
    const std::size_t start = file.size();
    file.resize(start + pcap::packet_size(size));
    const WallTime at{1'700'000'000'123'456'789 + static_cast<std::int64_t>(size)};
    ASSERT_EQ(
        pcap::write_packet(MutableBytes(file).subspan(start), at,
                           size % 2 == 0 ? pcap::Direction::kSent : pcap::Direction::kReceived,
                           frames.back(), {}),
        pcap::packet_size(size));
  }
  const auto packets = pcap::read_capture(file);
  ASSERT_EQ(packets.size(), frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(packets[i].frame, frames[i]);
    EXPECT_EQ(packets[i].time, 1'700'000'000'123'456'789u + frames[i].size());
    EXPECT_EQ(packets[i].direction, frames[i].size() % 2 == 0 ? 2u : 1u);
  }
}

struct SimClock {
  Instant now() { return platform::monotonic_now(); }
  WallTime wall() { return platform::wall_now(); }
  Duration wall_error() { return kInfinite; }
};
using Recorded = PcapDevice<sim::NetDevice, SimClock, Sink>;

struct Constant {
  void fill(MutableBytes out) { std::ranges::fill(out, std::byte{1}); }
};

// A stack with IPv4 and UDP on a device.
template <class Net>
struct Small {
  Small(async::Context& context, Net& net, std::uint8_t last)
      : core(context, random), v4(core), udp(core), nic(core, net) {
    use_address(core.log(), v4.engine(), nic.interface(), core.now(),
                {Ipv4Address::of(10, 0, 0, last), 24}, {});
    core.flush();
  }
  Constant random;
  Stack core;
  Ipv4<Stack> v4;
  UdpOn<Stack> udp;
  NetInterface<Stack, Net> nic;
};

template <class Net>
async::Task<int> one_datagram(async::Context* context, Net* a, sim::NetDevice* b) {
  Small<Net> sender(*context, *a, 1);
  Small<sim::NetDevice> receiver(*context, *b, 2);
  const auto from = sender.udp.bind({Ipv4Address{}, 1000});
  const auto to = receiver.udp.bind({Ipv4Address{}, 7});
  std::array<sig::TxDatagram, 1> out;
  out[0].destination = {Ipv4Address::of(10, 0, 0, 2), 7};
  out[0].payload = (*from)->allocate();
  copy_bytes(out[0].payload.append(5), as_bytes("hello"));
  EXPECT_TRUE(co_await (*from)->send(out, {}));
  std::array<sig::RxDatagram, 1> in;
  EXPECT_TRUE(co_await (*to)->receive(in, async::Wait::at_most(seconds(1))));
  EXPECT_EQ(in[0].payload.text(), "hello");
  co_return 0;
}

// Runs one_datagram over a device that records to `sink`.
std::uint64_t run_recorded(Sink& sink, bool checksum_offload) {
  sim::Platform platform;
  sim::Network network(platform);
  sim::DeviceOptions options;
  options.checksum_offload = checksum_offload;
  sim::NetDevice& a = network.add_device(options);
  sim::NetDevice& b = network.add_device(options);
  network.join(a, b);
  SimClock clock;
  Recorded recorded(a, clock, sink);
  async::Context context{platform.loop(), {}};
  platform.run([&] { return one_datagram(&context, &recorded, &b); });
  return network.digest();
}

TEST(PcapDevice, RecordsBothDirectionsWithFinishedChecksumsAndWallClockTimes) {
  for (const bool offload : {false, true}) {
    Sink sink;
    run_recorded(sink, offload);
    const auto packets = pcap::read_capture(sink.bytes);
    // Two announcements, request, reply, datagram.
    ASSERT_EQ(packets.size(), 5u);
    std::uint64_t before = 0;
    unsigned sent = 0;
    unsigned datagrams = 0;
    for (const auto& packet : packets) {
      EXPECT_GE(packet.time, before);
      EXPECT_GE(packet.time, 1'767'225'600'000'000'000u);
      before = packet.time;
      sent += packet.direction == 2 ? 1 : 0;
      const Bytes bytes = Bytes(packet.frame).subspan(wire::ethernet::kHeaderSize);
      const auto ip = wire::ipv4::Header::parse(bytes);
      if (!ip) continue;
      ++datagrams;
      EXPECT_TRUE(wire::udp::Header::parse(bytes.subspan(ip->header_length), ip->source,
                                           ip->destination, {}));
    }
    EXPECT_EQ(sent, 3u);
    EXPECT_EQ(datagrams, 1u);
  }
}

TEST(PcapDevice, RecordsOnlyWhatTheDeviceTook) {
  sim::Platform platform;
  sim::Network network(platform);
  sim::DeviceOptions options;
  options.ring = 2;
  sim::NetDevice& a = network.add_device(options);
  sim::NetDevice& b = network.add_device();
  sim::LinkOptions slow;
  slow.bits_per_second = 1'000'000;
  network.join(a, b, slow);
  SimClock clock;
  Sink sink;
  Recorded recorded(a, clock, sink);
  std::array<PacketBuf, 5> out;
  for (PacketBuf& packet : out) {
    packet = recorded.allocate(0);
    (void)packet.append(60);
  }
  EXPECT_EQ(recorded.send(out), 2u);
  EXPECT_EQ(pcap::read_capture(sink.bytes).size(), 2u);
  EXPECT_TRUE(out[2]) << "what was not taken is still the caller's";
}

TEST(PcapDevice, ThatIsOffWritesNothingAndChangesNothing) {
  Sink off{.on = false, .bytes = {}};
  Sink on;
  EXPECT_EQ(run_recorded(off, false), run_recorded(on, false));
  EXPECT_TRUE(off.bytes.empty());
}

}  // namespace
}  // namespace fata::stack
