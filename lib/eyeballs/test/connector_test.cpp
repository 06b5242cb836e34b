// The driver in virtual time, over a transport and a resolver that wait.
#include "fata/eyeballs/connector.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "fata/sim/platform.hpp"

namespace fata::eyeballs {
namespace {

const IpAddress kV6 = IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const IpAddress kV4 = Ipv4Address::of(192, 0, 2, 1);

// Counts what exists: a race leaves nothing.
struct Counted {
  explicit Counted(int& count) : count_(&count) { ++*count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*count_; }
  int* count_;
};

struct Wires {
  using Address = Endpoint;
  struct Flow {
    using Address = Endpoint;
    Flow(int& count, Endpoint peer) : counted(count), to(peer) {}
    async::Task<Result<Slice>> read(async::Wait) { co_return fail(Error(async::Errc::kClosed)); }
    async::Task<sig::WriteOutcome> write(std::span<Slice>, async::Wait) {
      co_return sig::WriteOutcome{};
    }
    async::Task<Result<void>> shutdown(async::Wait) { co_return Result<void>{}; }
    void abort() {}
    PacketBuf allocate(std::size_t, std::size_t) { return {}; }
    Endpoint local() const { return {}; }
    Endpoint peer() const { return to; }
    sig::Session session() const { return {}; }
    Counted counted;
    Endpoint to;
  };
  struct Listener {
    using Flow = Wires::Flow;
    Endpoint local() { return {}; }
    async::Task<Result<std::unique_ptr<Flow>>> accept(async::Wait) {
      co_return fail(Error(async::Errc::kClosed));
    }
  };
  Result<std::unique_ptr<Listener>> listen(Endpoint, std::size_t) {
    return fail(Error(async::Errc::kClosed));
  }
  async::Task<Result<std::unique_ptr<Flow>>> connect(sig::Target<Endpoint> to, async::Wait wait) {
    const Counted attempt(attempts);
    names += std::string(to.name) + " ";
    if (!delays.contains(to.address.address)) co_return fail(Error(sig::FlowErrc::kReset));
    const Instant at = async::current_loop().now() + delays.at(to.address.address);
    if (const auto slept = co_await async::sleep_until(at, wait.token); !slept)
      co_return fail(Error(slept.error()));
    co_return std::make_unique<Flow>(flows, to.address);
  }

  std::map<IpAddress, Duration> delays;  // an address without one refuses
  int attempts = 0, flows = 0;
  std::string names;
};

struct Names {
  async::Task<Result<std::vector<IpAddress>>> resolve(std::string_view, async::Wait) {
    co_return fail(Error(sig::NameErrc::kNotFound));
  }
  async::Task<Result<sig::RecordSet>> query(std::string_view name, std::uint16_t type,
                                            async::Wait wait) {
    const Counted lookup(lookups);
    (void)co_await async::sleep(after[type], wait.token);
    if (name != "www.example.org") co_return fail(Error(sig::NameErrc::kNotFound));
    sig::RecordSet records;
    if (type == 1) records.add(Bytes(kV4.octets()).last<4>());
    if (type == 28) records.add(kV6.octets());
    co_return records;
  }
  std::map<std::uint16_t, Duration> after;
  int lookups = 0;
};

struct World {
  sim::Platform platform{1};
  async::CancelSource stop;
  async::Context context{platform.loop(), stop.token()};
  Wires wires;
  Names names;
  Connector<Wires, Names> connector{context, wires, names};
  Instant begin = platform.now();

  std::string connect(std::string_view host, Duration most = seconds(60)) {
    std::string result;
    platform.run([&] { return connecting(this, host, most, &result); });
    EXPECT_EQ(wires.attempts, 0);
    EXPECT_EQ(wires.flows, 0);
    EXPECT_EQ(names.lookups, 0);
    return result;
  }
  static async::Task<int> connecting(World* world, std::string_view host, Duration most,
                                     std::string* result) {
    const auto flow = co_await world->connector.connect(host, 80, async::Wait::at_most(most));
    if (!flow) {
      *result = Text<200>(std::in_place, flow.error()).view();
    } else {
      EXPECT_EQ(world->wires.flows, 1);
      *result = Text<200>(std::in_place, (*flow)->peer()).view();
    }
    co_return 0;
  }
};

TEST(Connector, ReturnsTheFirstConnectionAndEndsTheOthers) {
  World world;
  world.wires.delays = {{kV6, seconds(2)}, {kV4, milliseconds(10)}};
  EXPECT_EQ(world.connect("www.example.org"), "192.0.2.1:80");
  EXPECT_EQ(world.platform.now() - world.begin, milliseconds(260));
  EXPECT_EQ(world.wires.names, "www.example.org www.example.org ");
}

TEST(Connector, EndsALookupThatIsNoLongerNeeded) {
  World world;
  world.names.after[1] = seconds(5);
  world.wires.delays = {{kV6, milliseconds(1)}};
  EXPECT_EQ(world.connect("www.example.org"), "[2001:db8::1]:80");
  EXPECT_LT(world.platform.now() - world.begin, seconds(1));
}

TEST(Connector, ReturnsTheReason) {
  World world;
  EXPECT_EQ(world.connect("nothing.example.org"),
            Text<100>(std::in_place, Error(sig::NameErrc::kNotFound)).view());
  EXPECT_EQ(world.connect("www.example.org"),
            Text<100>(std::in_place, Error(sig::FlowErrc::kReset)).view());
}

TEST(Connector, EndsWithItsWait) {
  World world;
  world.wires.delays = {{kV6, seconds(100)}, {kV4, seconds(100)}};
  EXPECT_EQ(world.connect("www.example.org", seconds(3)),
            Text<100>(std::in_place, Error(async::Errc::kTimedOut)).view());
  EXPECT_EQ(world.platform.now() - world.begin, seconds(3));
}

}  // namespace
}  // namespace fata::eyeballs
