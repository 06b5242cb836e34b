#include "fata/resolver/cache.hpp"

#include <gmock/gmock.h>

#include "world.hpp"

namespace fata::resolver {
namespace {

using dns::Type;
using test::Query;
using test::World;

constexpr std::string_view kBoth = "2001:db8::1 192.0.2.1";

TEST(ResolverCache, AnswersForTheTtlWithoutAQuery) {
  World world({{}});
  EXPECT_EQ(world.addresses("www.test"), kBoth);
  const Instant filled = world.now;
  EXPECT_EQ(world.addresses("WWW.test."), kBoth);
  world.run_until(filled + milliseconds(299'999));
  EXPECT_EQ(world.addresses("www.test"), kBoth);
  EXPECT_EQ(world.queries.size(), 2U);
  world.run_until(filled + seconds(300));
  EXPECT_EQ(world.addresses("www.test"), kBoth);
  EXPECT_EQ(world.queries.size(), 4U);
}

TEST(ResolverCache, KeepsNegativeAnswersForTheTimeOfTheirSoa) {
  World world({{}});
  for (const std::string_view name : {"none.test", "text.test"}) {
    world.queries.clear();
    const std::string first = world.addresses(name);
    EXPECT_EQ(world.addresses(name), first);
    EXPECT_EQ(world.queries.size(), 2U);
    world.run_until(world.now + seconds(60));
    EXPECT_EQ(world.addresses(name), first);
    EXPECT_EQ(world.queries.size(), 4U);
  }
}

TEST(ResolverCache, ServesStaleAnswersWhileNoServerDoes) {
  World world({{}});
  EXPECT_EQ(world.addresses("www.test"), kBoth);
  world.host(1).dead = true;
  world.run_until(world.now + seconds(3600));
  Instant began = world.now;
  EXPECT_EQ(world.addresses("www.test"), kBoth);
  EXPECT_EQ(world.now - began, Engine::kStaleAfter);
  // The failure is remembered for a while.
  began = world.now;
  EXPECT_EQ(world.addresses("www.test"), kBoth);
  EXPECT_EQ(world.now, began);
  world.run_until(began + seconds(86400));
  EXPECT_EQ(world.addresses("www.test"), "resolver: no name server answered in time");
}

TEST(ResolverCache, ServesStaleAnswersAtOnceWhenServersFail) {
  World world({{}});
  EXPECT_EQ(world.addresses("www.test"), kBoth);
  world.run_until(world.now + seconds(3600));
  world.host(1).behaviour = [](const Query&, test::Message& answer) {
    answer[3] |= std::byte{2};
    return true;
  };
  const Instant began = world.now;
  EXPECT_EQ(world.addresses("www.test"), kBoth);
  EXPECT_EQ((world.now - began).ms(), 20);
}

TEST(ResolverCache, ARefreshReplacesAStaleAnswerThatWasUsedMeanwhile) {
  World world({{}});
  EXPECT_EQ(world.addresses("v4.test"), "192.0.2.4");
  world.run_until(world.now + seconds(3600));
  world.host(1).delay = milliseconds(2500);
  world.host(1).behaviour = [](const Query&, test::Message& answer) {
    for (std::size_t i = 3; i < answer.size(); ++i) {
      if (answer[i - 3] == std::byte{192} && answer[i - 1] == std::byte{2})
        answer[i] = std::byte{44};
    }
    return true;
  };
  EXPECT_EQ(world.addresses("v4.test"), "192.0.2.4");
  world.run_until(world.now + seconds(2));
  EXPECT_EQ(world.addresses("v4.test"), "192.0.2.44");
}

TEST(ResolverCache, NeverExceedsItsOctetsAndDropsWhatIsTooLarge) {
  Cache cache({1, 2}, {.entries = 64, .octets = 1000, .entry_octets = 200});
  const Instant now{1};
  sig::RecordSet set{.ttl = 100};
  set.bytes.resize(100);
  for (int i = 0; i < 500; ++i) {
    const Text<20> text(std::in_place, "n", i, ".test.");
    const dns::LowerName name(dns::Name::from_text(text.view())->wire());
    const Cache::Key key = Cache::key(cache.hash(name), name, Type::kA);
    cache.put(key, std::nullopt, set, now);
    EXPECT_TRUE(cache.find(key, now));
    ASSERT_LE(cache.octets(), 1000U);
    ASSERT_LE(cache.entries(), 64U);
  }
  EXPECT_GE(cache.entries(), 8U);
  set.bytes.resize(300);
  const dns::LowerName name(dns::Name::from_text("large.test.")->wire());
  const Cache::Key key = Cache::key(cache.hash(name), name, Type::kA);
  cache.put(key, std::nullopt, set, now);
  EXPECT_FALSE(cache.find(key, now));
}

TEST(ResolverSpecial, AddressesAndSpecialNamesNeedNoServer) {
  struct Case {
    std::string_view name, expected;
  };
  for (const Case& c : {
           Case{"192.0.2.7", "192.0.2.7"},
           {"2001:db8::7", "2001:db8::7"},
           {"localhost", "::1 127.0.0.1"},
           {"a.LocalHost.", "::1 127.0.0.1"},
           {"x.invalid", "resolver: the name does not exist"},
           {"x.onion", "resolver: the name does not exist"},
           {"192.0.2.300", "resolver: not a domain name"},
           {"127.1", "resolver: not a domain name"},
       }) {
    World world({});
    EXPECT_EQ(world.addresses(c.name), c.expected) << c.name;
  }
}

dns::Name domain(std::string_view text) { return dns::Name::from_text(text).value(); }

// The names of the queries of type AAAA, in lower case.
std::string asked(const World& world) {
  std::string out;
  for (const Query& query : world.queries) {
    dns::Reader reader(query.bytes);
    (void)reader.header();
    const auto question = reader.question();
    if (question->type != Type::kAaaa) continue;
    const dns::LowerName lower(question->name.wire());
    Text<300> text;
    dns::write_name(text, lower.wire());
    out += (out.empty() ? "" : " ") + std::string(text.view());
  }
  return out;
}

TEST(ResolverSearch, CompletesNamesByTheNumberOfTheirDots) {
  struct Case {
    std::string_view name, asked, expected;
    unsigned ndots = 1;
  };
  for (const Case& c : {
           Case{"www", "www.none.test. www.test.", kBoth},
           {"www.test", "www.test.", kBoth},
           {"www.test.", "www.test.", kBoth},
           {"www.", "www.", "resolver: the name servers failed; the last response code is (5)"},
           {"a.b", "a.b. a.b.none.test. a.b.test.", "resolver: the name does not exist"},
           {"www.test", "www.test.none.test. www.test.test. www.test.", kBoth, 2},
       }) {
    // The root's zone makes every other name one that does not exist.
    World world({{.behaviour = [](const Query&, test::Message& answer) {
      if (answer.size() > 4 && (answer[3] & std::byte{15}) == std::byte{5} &&
          answer[12] == std::byte{1})
        answer[3] = (answer[3] & std::byte{0xf0}) | std::byte{3};
      return true;
    }}});
    world.engine.set_search(std::array{domain("none.test."), domain("test.")}, c.ndots);
    EXPECT_EQ(world.addresses(c.name), c.expected) << c.name;
    EXPECT_EQ(asked(world), c.asked);
  }
}

TEST(ResolverSearch, DomainsThatMakeANameTooLongAreSkipped) {
  World world({{}});
  std::string name;
  for (int i = 0; i < 4; ++i) name += (i == 0 ? "" : ".") + std::string(60, 'a');
  world.engine.set_search(std::array{domain("a.very.long.domain."), domain("test.")}, 5);
  EXPECT_EQ(world.addresses(name),
            "resolver: the name servers failed; the last response code is (5)");
  EXPECT_EQ(asked(world), name + ".test. " + name + ".");
}

}  // namespace
}  // namespace fata::resolver
