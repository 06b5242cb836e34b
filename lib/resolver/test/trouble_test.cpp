// Networks that lose and delay, and servers that fail, answer nonsense or know only some names, by
// seed.
#include <random>

#include "world.hpp"

namespace fata::resolver {
namespace {

using test::Message;
using test::Query;
using test::World;

struct Known {
  std::string_view name, both, v6, v4;
};
constexpr std::array kNames{
    Known{"www.test", "2001:db8::1 192.0.2.1", "2001:db8::1", "192.0.2.1"},
    Known{"alias.test", "2001:db8::1 192.0.2.1", "2001:db8::1", "192.0.2.1"},
    Known{"v4.test", "192.0.2.4", "192.0.2.4", "192.0.2.4"},
    Known{"v6.test", "2001:db8::6", "2001:db8::6", "2001:db8::6"},
    Known{"none.test", "resolver: the name does not exist", "", ""},
};

// One of the ways in which a server is bad, chosen by the seed.
World::Host host_of(std::mt19937_64& random) {
  World::Host host{.delay = milliseconds(static_cast<std::int64_t>(1 + random() % 300))};
  const auto loss = random() % 40;
  const auto fault = random() % 8;
  host.tcp = random() % 4 != 0;
  if (fault == 1) host.delay = seconds(1);
  if (fault == 2) host.zones = {test::kElsewhere};
  const std::uint64_t own = random();
  host.behaviour = [loss, fault, random = std::mt19937_64(own)](const Query&,
                                                                Message& answer) mutable {
    if (fault == 3) answer[3] = (answer[3] & std::byte{0xf0}) | std::byte{2};
    if (fault == 4) answer[2] |= std::byte{2};
    if (fault == 5) answer.resize(random() % answer.size());
    // Octets after the question, so that the response is accepted.
    if (fault == 6 && random() % 2 == 0) answer.resize(answer.size() - 1);
    return random() % 100 >= loss;
  };
  return host;
}

// True for an answer that a client may get while servers fail.
bool allowed(const std::string& found, const Known& known) {
  return found == known.both || found == known.v6 || found == known.v4 ||
         found == "resolver: no name server answered in time" ||
         found.starts_with("resolver: the name servers failed");
}

TEST(Trouble, EveryLookupEndsInTimeWithTheRightAnswerOrAReason) {
  int lookups = 0, right = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::vector<World::Host> hosts;
    for (std::uint64_t i = 0; i <= random() % 4; ++i) hosts.push_back(host_of(random));
    World world(std::move(hosts));
    world.engine.renew({random(), random()});
    for (int i = 0; i < 4; ++i) {
      const Known& known = kNames[random() % kNames.size()];
      Lookup lookup;
      const Instant began = world.now;
      world.engine.resolve(lookup, known.name, world.now);
      world.run(lookup);
      const std::string found = World::text(lookup);
      ASSERT_TRUE(allowed(found, known)) << known.name << ": " << found;
      ASSERT_LE(world.now - began, Engine::kLifetime);
      ++lookups;
      right += found == known.both;
    }
    // What no lookup waits for ends too, and releases its sockets.
    world.run_until(world.now + Engine::kLifetime + seconds(1));
    ASSERT_EQ(world.queries.size(), world.closed.size());
    ASSERT_TRUE(world.engine.next_deadline().is_never());
  }
  EXPECT_GT(right, lookups / 2);
  RecordProperty("right", right);
}

TEST(Trouble, OneGoodServerIsEnough) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::vector<World::Host> hosts;
    for (std::uint64_t i = 0; i < 1 + random() % 3; ++i) {
      hosts.push_back(host_of(random));
      hosts.back().dead = random() % 2 == 0;
    }
    hosts.insert(hosts.begin() + static_cast<std::ptrdiff_t>(random() % (hosts.size() + 1)),
                 World::Host{});
    World world(std::move(hosts));
    world.engine.renew({random(), random()});
    for (const Known& known : kNames) {
      const std::string found = world.addresses(known.name);
      ASSERT_TRUE(found == known.both || found == known.v6 || found == known.v4)
          << known.name << ": " << found;
    }
  }
}

}  // namespace
}  // namespace fata::resolver
