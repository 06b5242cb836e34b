#include "tcp_storm.hpp"

#include <array>
#include <format>
#include <random>

#include "world.hpp"

namespace fata::test {
namespace {

// How a flow is used, and how it ends.
enum class Ending : std::uint8_t {
  kClean,         // both write, half-close, and read to the end
  kClientAborts,  // in the middle
  kServerAborts,
  kClientLeaves,  // drops the flow after its last write
  kRefused,       // there is no listener
};

struct FlowDraw {
  std::size_t client, server;  // hosts
  bool v6;
  Ending ending;
  std::array<std::size_t, 2> size;   // bytes: of the client, of the server
  std::array<std::size_t, 2> chunk;  // bytes per write
  std::array<Duration, 2> pause;     // between reads
  Duration start;
  tcp::FlowOptions options;
};

// Longer than keepalive's two hours. A flow that waits longer than this would wait forever.
constexpr Duration kTimeout = seconds(4 * 3600);

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  // Returns a number from `least` to `most`. Small numbers are as likely as large ones.
  std::uint64_t spread(std::uint64_t least, std::uint64_t most) {
    const unsigned bits = 64 - static_cast<unsigned>(std::countl_zero(most - least + 1));
    const std::uint64_t span = std::uint64_t{1} << random_() % bits;
    return least + std::min(most - least, random_() % (2 * span));
  }
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  sim::LinkOptions link() {
    sim::LinkOptions link;
    link.delay = microseconds(static_cast<std::int64_t>(spread(10, 60'000)));
    if (chance(30)) link.jitter = microseconds(static_cast<std::int64_t>(spread(1, 10'000)));
    if (chance(50)) link.bits_per_second = spread(1'000'000, 1'000'000'000);
    link.queue = spread(16, 256);
    if (chance(50)) link.loss = static_cast<unsigned>(spread(1, 40));
    if (chance(25)) link.duplication = static_cast<unsigned>(spread(1, 30));
    if (chance(25)) link.reordering = static_cast<unsigned>(spread(1, 50));
    // At most one damaging link in a storm, because two damages can cancel in TCP's checksum.
    if (!damaged_ && chance(40))
      link.corruption = static_cast<unsigned>(spread(1, 10)), damaged_ = true;
    link.reorder_by = microseconds(static_cast<std::int64_t>(spread(100, 30'000)));
    return link;
  }
  FlowDraw flow(std::size_t hosts) {
    FlowDraw flow;
    flow.client = below(hosts);
    flow.server = (flow.client + 1 + below(hosts - 1)) % hosts;
    flow.v6 = chance(40);
    const std::uint64_t ending = below(100);
    flow.ending = ending < 70   ? Ending::kClean
                  : ending < 79 ? Ending::kClientAborts
                  : ending < 88 ? Ending::kServerAborts
                  : ending < 95 ? Ending::kClientLeaves
                                : Ending::kRefused;
    for (int side = 0; side < 2; ++side) {
      flow.size[side] = chance(15) ? 0 : spread(1, 60'000);
      flow.chunk[side] = spread(1, 8'000);
      if (chance(8)) {  // enough for packets of many segments
        flow.size[side] = spread(30'000, 200'000);
        flow.chunk[side] = spread(4'000, 16'000);
      }
      if (flow.size[side] / flow.chunk[side] > 300) flow.chunk[side] = flow.size[side] / 300 + 1;
      if (chance(25))
        flow.pause[side] = microseconds(static_cast<std::int64_t>(spread(1, 100'000)));
    }
    flow.start = microseconds(static_cast<std::int64_t>(spread(1, 3'000'000)));
    if (chance(30)) flow.options.congestion = tcp::CongestionAlgorithm::kNewReno;
    flow.options.no_delay = chance(40);
    flow.options.pacing = chance(20);
    // Without keepalive, an end that lost its peer's reset would wait forever.
    flow.options.keepalive = true;
    return flow;
  }

 private:
  std::mt19937_64 random_;
  bool damaged_ = false;
};

char byte_at(std::uint64_t stream, std::size_t offset) {
  return static_cast<char>((offset * 31 + (offset >> 8) * 7 + stream * 13) & 0xff);
}

struct Run {
  explicit Run(std::uint64_t seed) : world(seed) {}
  void fault(std::string text) { result.faults.push_back(std::move(text)); }
  // Loss may exhaust all tries to resolve a neighbour or to open a connection.
  void early(const FlowDraw& flow, const char* what, const Error& error) {
    ++result.ended_early;
    const bool allowed =
        flow.ending != Ending::kClean ||
        (harsh && (error.is(sig::FlowErrc::kUnreachable) || error.is(async::Errc::kTimedOut))) ||
        (poor && (error.is(sig::FlowErrc::kReset) || error.is(tcp::TcpErrc::kNoMemory)));
    if (allowed) return;
    const Text<100> why(std::in_place, error);
    const double at = static_cast<double>((async::current_loop().now() - Instant{}).ns) / 1e9;
    fault(std::format("{} failed at {:.6f} s, between hosts {} and {}: {}", what, at,
                      flow.client + 1, flow.server + 1, why.view()));
  }

  World world;
  StormResult result;
  bool harsh = false;  // some link loses or damages frames, or has a short queue
  // Little memory: connections may be refused, or reset after the application has released them.
  bool poor = false;
  std::vector<std::unique_ptr<Stack>> hosts;
};

// One direction of a flow.
struct Reader {
  std::uint64_t stream;
  std::size_t offset = 0;
  bool ended = false;
};

async::Task<void> write_all(Run* run, const FlowDraw* draw, int side, std::uint64_t stream,
                            stack::TcpFlow* flow, std::size_t size) {
  for (std::size_t offset = 0; offset < size;) {
    const std::size_t want = std::min(draw->chunk[side], size - offset);
    PacketBuf buffer = flow->allocate(0, 1);
    if (!buffer) {  // the memory budget is used up until other flows end
      co_await async::sleep(milliseconds(10));
      continue;
    }
    const std::size_t count = std::min(want, buffer.tailroom());
    for (std::byte& b : buffer.append(count)) b = static_cast<std::byte>(byte_at(stream, offset++));
    std::array<Slice, 1> out{Slice(std::move(buffer))};
    const sig::WriteOutcome outcome = co_await flow->write(out, async::Wait::at_most(kTimeout));
    if (outcome.error) {
      run->early(*draw, "a write", *outcome.error);
      co_return;
    }
    if (outcome.accepted != count) run->fault("a write took less than all, without an error");
  }
}

async::Task<void> read_all(Run* run, const FlowDraw* draw, int side, Reader* reader,
                           stack::TcpFlow* flow, std::size_t stop_at) {
  while (reader->offset < stop_at) {
    const Result<Slice> slice = co_await flow->read(async::Wait::at_most(kTimeout));
    if (!slice) {
      if (slice.error().is(async::Errc::kTimedOut)) run->fault("a read waited for ever");
      run->early(*draw, "a read", slice.error());
      co_return;
    }
    if (slice->empty()) {
      reader->ended = true;
      co_return;
    }
    for (const std::byte b : slice->bytes()) {
      if (b != static_cast<std::byte>(byte_at(reader->stream, reader->offset++))) {
        run->fault(std::format("a wrong byte at {}", reader->offset - 1));
        co_return;
      }
    }
    run->result.bytes += slice->size();
    if (draw->pause[side].ns != 0) co_await async::sleep(draw->pause[side]);
  }
}

async::Task<void> use(Run* run, const FlowDraw* draw, std::uint64_t id, int side,
                      stack::TcpFlow* flow) {
  const std::size_t mine = draw->size[side];
  const std::size_t theirs = draw->size[1 - side];
  Reader reader{id * 2 + (1 - static_cast<unsigned>(side))};
  async::Scope scope;
  const bool aborts = draw->ending == (side == 0 ? Ending::kClientAborts : Ending::kServerAborts);
  const bool leaves = draw->ending == Ending::kClientLeaves && side == 0;
  scope.spawn(write_all(run, draw, side, id * 2 + static_cast<unsigned>(side), flow,
                        aborts ? mine / 2 : mine));
  if (!leaves)
    scope.spawn(read_all(run, draw, side, &reader, flow, aborts ? theirs / 2 : theirs + 1));
  if (aborts) {
    co_await scope.join();
    flow->abort();
    co_return;
  }
  // Shuts down after the last write, while the reader continues.
  co_await scope.below(leaves ? 1 : 2);
  if (scope.running() != 0 && reader.ended) co_await scope.join();
  if (!leaves) (void)co_await flow->shutdown(async::Wait::at_most(kTimeout));
  co_await scope.join();
  if (reader.offset > theirs) run->fault("more bytes than were sent");
  if (draw->ending == Ending::kClean && reader.ended && reader.offset != theirs)
    run->fault(std::format("the stream ended after {} of {} bytes", reader.offset, theirs));
}

async::Task<void> serve(Run* run, const FlowDraw* draw, std::uint64_t id,
                        std::unique_ptr<stack::TcpListener> listener) {
  auto flow = co_await listener->accept(async::Wait::at_most(kTimeout));
  if (!flow) co_return;  // the client could not connect, and has reported that
  // A listener accepts one connection. If a SYN cookie opened the connection and the client's reset
  // was lost, the client's next segment would otherwise open it again.
  listener.reset();
  co_await use(run, draw, id, 1, flow->get());
}

async::Task<void> call(Run* run, const FlowDraw* draw, std::uint64_t id, Endpoint to) {
  co_await async::sleep(draw->start);
  auto flow = co_await run->hosts[draw->client]->tcp().connect(to, draw->options,
                                                               async::Wait::at_most(kTimeout));
  if (!flow) {
    if (draw->ending == Ending::kRefused) {
      ++run->result.ended_early;
      if (!flow.error().is(sig::FlowErrc::kRefused) && !run->harsh)
        run->fault("not refused, but failed: " + std::string(flow.error().message()));
    } else {
      run->early(*draw, "a connect", flow.error());
    }
    co_return;
  }
  if (draw->ending == Ending::kRefused) run->fault("connected to nobody");
  co_await use(run, draw, id, 0, flow->get());
}

async::Task<void> one_flow(Run* run, const FlowDraw* draw, std::uint64_t id) {
  const auto port = static_cast<std::uint16_t>(1000 + id);
  const auto host = static_cast<std::uint8_t>(draw->server + 1);
  const Endpoint to{draw->v6 ? at6(host, 0).address : at(host, 0).address, port};
  std::unique_ptr<stack::TcpListener> listener;
  async::Scope scope;
  // Creates the host's TCP. A host without TCP answers with an ICMP error, which over IPv6 is only
  // a soft error.
  (void)run->hosts[draw->server]->tcp();
  if (draw->ending != Ending::kRefused) {
    auto made = run->hosts[draw->server]->tcp().listen({IpAddress{}, port}, 4);
    if (!made) {
      run->fault("no listener");
      co_return;
    }
    listener = std::move(*made);
    listener->set_options(draw->options);
  }
  if (listener) scope.spawn(serve(run, draw, id, std::move(listener)));
  scope.spawn(call(run, draw, id, to));
  co_await scope.join();
}

async::Task<void> weather(Run* run, std::vector<FlowDraw> flows,
                          std::vector<sim::NetDevice*> nics) {
  for (std::size_t i = 0; i < nics.size(); ++i) {
    const auto last = static_cast<std::uint8_t>(i + 1);
    run->hosts.push_back(co_await host(&run->world, nics[i], cidr(last)));
    run->hosts[i]->use_ipv6({ip::ipv6::Setup::Mode::kStatic, {at6(last, 0).address, 64}}, {});
  }
  co_await async::sleep(seconds(3));  // duplicate address detection
  async::Scope scope;
  for (std::size_t i = 0; i < flows.size(); ++i) scope.spawn(one_flow(run, &flows[i], i));
  co_await scope.join();
  run->result.took = async::current_loop().now() - Instant{};
  // Connections that applications have released deliver their data or give up, and TIME-WAIT ends.
  co_await async::sleep(seconds(3 * 3600));
  for (const auto& host : run->hosts) {
    const tcp::Table& table = host->tcp().table();
    if (table.connections() != 0)
      run->fault(std::format("{} connections are left", table.connections()));
    if (table.half_open() != 0) run->fault("half-open connections are left");
    if (table.time_waits() != 0) run->fault("TIME-WAIT never ended");
    if (table.memory().used() != 0)
      run->fault(std::format("{} bytes leaked", table.memory().used()));
    run->result.retransmitted += table.count(tcp::Table::kRetransmitted);
  }
}

}  // namespace

StormResult run_storm(std::uint64_t seed) {
  Draw draw(seed);
  Run run(seed);
  const std::size_t hosts = 2 + draw.below(3);
  std::vector<sim::NetDevice*> nics;
  for (std::size_t i = 0; i < hosts; ++i) {
    sim::DeviceOptions options;
    options.checksum_offload = draw.chance(60);
    options.ring = draw.spread(16, 128);
    if (options.checksum_offload && draw.chance(75)) {
      options.segmentation = draw.chance(50) ? sim::Segmentation::kWhole : sim::Segmentation::kCuts;
    }
    nics.push_back(&run.world.nic(options));
  }
  run.world.context.memory = std::size_t{1} << (20 + draw.below(7));
  run.poor = run.world.context.memory < std::size_t{4} << 20;
  const auto link = [&] {
    const sim::LinkOptions options = draw.link();
    run.harsh |= options.loss != 0 || options.corruption != 0 || options.queue < 64;
    return options;
  };
  if (hosts == 2 && draw.chance(50)) {
    run.world.network.join(*nics[0], *nics[1], link());
  } else {
    sim::LearningSwitch& left = run.world.network.add_switch();
    sim::LearningSwitch* right = &left;
    if (draw.chance(50)) {
      right = &run.world.network.add_switch();
      run.world.network.join(left.port(), right->port(), link());
    }
    for (std::size_t i = 0; i < hosts; ++i)
      run.world.network.join(*nics[i], (i % 2 == 0 ? left : *right).port(), link());
  }
  std::vector<FlowDraw> flows;
  for (std::size_t count = 1 + draw.below(5); count != 0; --count)
    flows.push_back(draw.flow(hosts));
  run.result.flows = static_cast<unsigned>(flows.size());
  run.world.platform.run([&] { return weather(&run, flows, nics); });
  run.result.digest = run.world.network.digest();
  run.hosts.clear();
  for (const sim::NetDevice* nic : nics) {
    if (nic->pool().available() + nic->waiting() != nic->pool().count())
      run.fault("a NIC's buffer leaked");
    run.result.uncut += nic->count(sim::NetDevice::kSentUncut);
    run.result.coalesced += nic->count(sim::NetDevice::kReceivedCoalesced);
  }
  return run.result;
}

}  // namespace fata::test
