#include <gmock/gmock.h>

#include <set>

#include "fata/dns/message.hpp"
#include "world.hpp"

namespace fata::resolver {
namespace {

using test::Message;
using test::Query;
using test::World;
using testing::SizeIs;

constexpr Options kUncached{.cache = {.octets = 0}};

TEST(Resolver, ReturnsBothFamiliesInOneRoundTrip) {
  World world({{}});
  const Instant began = world.now;
  EXPECT_EQ(world.addresses("www.test"), "2001:db8::1 192.0.2.1");
  EXPECT_EQ((world.now - began).ms(), 20);
  EXPECT_THAT(world.queries, SizeIs(2));
  EXPECT_EQ(world.queries[0].at, world.queries[1].at);
}

TEST(Resolver, AnswersOrExplains) {
  struct Case {
    std::string_view name, expected;
  };
  for (const Case& c : {
           Case{"www.test", "2001:db8::1 192.0.2.1"},
           {"WWW.Test.", "2001:db8::1 192.0.2.1"},
           {"v4.test", "192.0.2.4"},
           {"v6.test", "2001:db8::6"},
           {"alias.test", "2001:db8::1 192.0.2.1"},
           {"far.test", "198.51.100.7"},
           {"text.test", "resolver: the name has no such record"},
           {"none.test", "resolver: the name does not exist"},
           {"loop.test", "resolver: the name servers failed; the last response code is (2)"},
           {"www.unknown", "resolver: the name servers failed; the last response code is (5)"},
           {"a..test", "resolver: not a domain name"},
           {"", "resolver: not a domain name"},
       }) {
    World world({{}});
    EXPECT_EQ(world.addresses(c.name), c.expected) << c.name;
  }
}

TEST(Resolver, ReturnsRecordsOfAnyType) {
  World world({{}});
  EXPECT_EQ(world.records("text.test", dns::Type::kTxt), "01610162");
  EXPECT_EQ(world.records("_ssh._tcp.test", dns::Type::kSrv),
            "000100020016"
            "03777777"
            "0474657374"
            "00");
  EXPECT_EQ(world.records("alias.test", dns::Type::kCname),
            "0377777704"
            "74657374"
            "00");
  EXPECT_EQ(world.records("www.test", dns::Type::kMx), "resolver: the name has no such record");
}

TEST(Resolver, FollowsAliasesAcrossServersOfOneZoneEach) {
  // The first server knows where the alias leads and no further.
  World world({{.zones = {test::kZone}}, {.zones = {test::kElsewhere}}});
  EXPECT_EQ(world.addresses("far.test"), "198.51.100.7");
  EXPECT_EQ(world.addresses("out.test"), "resolver: the name is an alias without an end");
}

TEST(Resolver, WithoutServersSaysSo) {
  World world({});
  EXPECT_EQ(world.addresses("www.test"), "resolver: no name server is known");
}

TEST(Resolver, MovesToTheNextServerWhenOneIsDead) {
  World world({{.dead = true}, {}});
  const Instant began = world.now;
  EXPECT_EQ(world.addresses("www.test"), "2001:db8::1 192.0.2.1");
  EXPECT_EQ((world.now - began).ms(), 420);
  // The second lookup does not begin with the dead server.
  const Instant second = world.now;
  EXPECT_EQ(world.addresses("v4.test"), "192.0.2.4");
  EXPECT_EQ((world.now - second).ms(), 20);
}

TEST(Resolver, GivesUpInTimeWhenNobodyAnswers) {
  World world({{.dead = true}, {.dead = true}});
  const Instant began = world.now;
  EXPECT_EQ(world.addresses("www.test"), "resolver: no name server answered in time");
  EXPECT_EQ(world.now - began, Engine::kLifetime);
  EXPECT_LE(world.queries.size(), 2 * Engine::kMaxQueries);
  EXPECT_TRUE(world.engine.next_deadline().is_never());
}

TEST(Resolver, PrefersTheFastestServer) {
  World world({{.delay = milliseconds(200)}, {.delay = milliseconds(5)}}, kUncached);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(world.addresses("www.test"), "2001:db8::1 192.0.2.1");
  world.queries.clear();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(world.addresses("www.test"), "2001:db8::1 192.0.2.1");
  for (const Query& query : world.queries) EXPECT_EQ(query.server, test::server_at(2));
}

TEST(Resolver, ReturnsToAServerThatHasRecovered) {
  World world({{.delay = milliseconds(5)}, {.delay = milliseconds(50)}}, kUncached);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world.addresses("v4.test"), "192.0.2.4");
  world.host(1).dead = true;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world.addresses("v4.test"), "192.0.2.4");
  world.host(1).dead = false;
  for (int i = 0; i < 200; ++i) EXPECT_EQ(world.addresses("v4.test"), "192.0.2.4");
  EXPECT_EQ(world.queries.back().server, test::server_at(1));
}

TEST(Resolver, OneFamilyThatIsNeverAnsweredDelaysTheOtherByASecond) {
  World world({{.behaviour = [](const Query& query, Message&) {
    return query.bytes[query.bytes.size() - 11 - 3] != std::byte{28};
  }}});
  const Instant began = world.now;
  EXPECT_EQ(world.addresses("www.test"), "192.0.2.1");
  EXPECT_EQ((world.now - began).ms(), 1020);
}

TEST(Resolver, RequestsATruncatedAnswerOverTcp) {
  World world({{.behaviour = [](const Query& query, Message& answer) {
    if (query.transport == Transport::kUdp) answer[2] |= std::byte{0x02};
    return true;
  }}});
  EXPECT_EQ(world.addresses("v4.test"), "192.0.2.4");
  EXPECT_EQ(world.engine.count(Engine::kTruncated), 2);
  EXPECT_EQ(world.engine.count(Engine::kTcpQueries), 2);
}

TEST(Resolver, TriesWithoutEdnsWhatAServerRejectsWithIt) {
  World world({{.behaviour = [](const Query& query, Message& answer) {
    if (query.bytes[11] == std::byte{0}) return true;
    answer.resize(12);
    answer[3] = std::byte{1};
    answer.resize(query.bytes.size() - 11);
    std::copy(query.bytes.begin() + 12, query.bytes.end() - 11, answer.begin() + 12);
    for (std::size_t i = 6; i < 12; ++i) answer[i] = std::byte{0};
    return true;
  }}});
  EXPECT_EQ(world.addresses("www.test"), "2001:db8::1 192.0.2.1");
  EXPECT_THAT(world.queries, SizeIs(4));
  EXPECT_EQ(world.addresses("v4.test"), "192.0.2.4");
  EXPECT_THAT(world.queries, SizeIs(6)) << "what is known about the server is kept";
}

// A response whose letters are all lower case.
bool lower_case(const Query&, Message& answer) {
  for (std::size_t i = 12; i < answer.size() && answer[i] != std::byte{0}; ++i) {
    const auto c = static_cast<char>(answer[i]);
    if (c >= 'A' && c <= 'Z') answer[i] |= std::byte{0x20};
  }
  return true;
}

TEST(Resolver, ChecksOverTcpWhetherAServerKeepsTheCase) {
  World world({{.behaviour = lower_case}});
  EXPECT_EQ(world.addresses("www.test"), "2001:db8::1 192.0.2.1");
  EXPECT_GT(world.engine.count(Engine::kWrongCase), 0);
  const auto before = world.engine.count(Engine::kTcpQueries);
  EXPECT_EQ(world.addresses("v4.test"), "192.0.2.4");
  EXPECT_EQ(world.engine.count(Engine::kTcpQueries), before);
}

TEST(Resolver, DoesWithoutCaseForAServerThatHasNoTcpEither) {
  World world({{.tcp = false, .behaviour = lower_case}});
  EXPECT_EQ(world.addresses("www.test"), "2001:db8::1 192.0.2.1");
}

TEST(Resolver, EqualQuestionsShareAQuery) {
  World world({{}});
  std::array<Lookup, 5> lookups;
  for (Lookup& each : lookups) world.engine.resolve(each, "www.test", world.now);
  EXPECT_THAT(world.queries, SizeIs(2));
  world.run(lookups[4]);
  for (const Lookup& each : lookups) EXPECT_EQ(World::text(each), "2001:db8::1 192.0.2.1");
  EXPECT_THAT(world.finished, SizeIs(5));
}

TEST(Resolver, HasABoundOfQuestionsAndAbandonsThoseOfGoneCallers) {
  World world({{.dead = true}});
  std::vector<Lookup> lookups(Engine::kQuestions + 1);
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    const Text<20> name(std::in_place, "n", i, ".test");
    world.engine.query(lookups[i], name.view(), dns::Type::kA, world.now);
  }
  EXPECT_FALSE(lookups[Engine::kQuestions - 1].done());
  EXPECT_EQ(World::text(lookups[Engine::kQuestions]), "resolver: too many lookups at once");
  {
    auto gone = std::make_unique<Lookup>();
    lookups[0].unlink();
    world.engine.query(*gone, "other.test", dns::Type::kA, world.now);
    EXPECT_FALSE(gone->done());
  }
}

TEST(Resolver, IdsAndCasesOfQueriesDiffer) {
  World world({{}}, kUncached);
  std::set<Message> names;
  std::set<unsigned> ids;
  for (int i = 0; i < 64; ++i) (void)world.records("abcdefghijklmnop.test", dns::Type::kA);
  for (const Query& query : world.queries) {
    ids.insert(load_be<std::uint16_t>(query.bytes));
    names.insert(Message(query.bytes.begin() + 12, query.bytes.end()));
  }
  EXPECT_GE(ids.size(), 60U);
  EXPECT_GE(names.size(), 60U);
}

TEST(Resolver, ALookupEndsInTimeHoweverManyDomainsASlowServerDenies) {
  World world({{.delay = milliseconds(700)}});
  std::vector<dns::Name> domains;
  for (const std::string_view each :
       {"a.test.", "b.test.", "c.test.", "d.test.", "e.test.", "f.test."})
    domains.push_back(dns::Name::from_text(each).value());
  world.engine.set_search(domains);
  const Instant began = world.now;
  (void)world.addresses("nothing");
  const Duration all = world.now - began;
  EXPECT_GT(all, milliseconds(7 * 700 - 1));
  world.host(1).delay = seconds(4);
  const Instant again = world.now;
  (void)world.addresses("other");
  EXPECT_LE(world.now - again, Engine::kLifetime * 2);
  EXPECT_GT(world.now - again, Engine::kLifetime);
}

TEST(Resolver, ServersThatChangeDuringALookupTakeEffect) {
  World world({{.dead = true}, {}});
  world.engine.set_servers(std::array{test::server_at(1)});
  Lookup lookup;
  world.engine.resolve(lookup, "www.test", world.now);
  world.run_until(world.now + milliseconds(100));
  world.engine.set_servers(std::array{test::server_at(2)});
  world.run(lookup);
  EXPECT_EQ(World::text(lookup), "2001:db8::1 192.0.2.1");
}

}  // namespace
}  // namespace fata::resolver
