// Attackers off the path, and servers that answer more than they were asked: none of them may
// define a name.
#include <gmock/gmock.h>

#include <random>

#include "fata/dns/message.hpp"
#include "world.hpp"

namespace fata::resolver {
namespace {

using dns::Type;
using test::Message;
using test::Query;
using test::World;

constexpr std::string_view kForged = "203.0.113.66";

// What an attacker knows of a query: everything but its secrets.
struct Seen {
  Slot slot;
  Endpoint server;
  Message query;
};

// A response to the query that gives its name, and others, the forged address.
Message forge(const Message& query, bool with_edns = true) {
  Message out(1232);
  dns::Reader reader(query);
  const auto header = reader.header();
  const auto question = reader.question();
  dns::Writer writer{MutableBytes(out)};
  for (int i = 0; i < 3; ++i) writer.u32(0);
  writer.question(question->name, question->type, dns::Class::kIn);
  const std::array owners{question->name, dns::Name::from_text("v4.test.").value(),
                          dns::Name::from_text("ns.test.").value()};
  for (const dns::Name& owner : owners) {
    const std::size_t mark = writer.begin_record(owner, Type::kA, dns::Class::kIn, 86400);
    writer.u32(0xcb007142);
    writer.end_rdata(mark);
  }
  if (with_edns) writer.opt(1232, {});
  writer.header({.id = header->id,
                 .flags = 0x8180,
                 .questions = 1,
                 .answers = 3,
                 .additionals = static_cast<std::uint16_t>(with_edns)});
  out.resize(writer.position());
  return out;
}

// A forgery that lacks at least one of the secrets.
enum class Lack {
  kId,
  kCase,
  kName,
  kType,
  kClass,
  kServer,
  kServerPort,
  kSocket,
  kResponseBit,
  kQuestion,
  kOpcode,
  kSize,
  kTruncation,
  kCut,  // inside the question
  kCount
};

void attack(World& world, const Seen& seen, Lack lack, std::mt19937_64& random) {
  Message message = forge(seen.query);
  Endpoint from = seen.server;
  Slot slot = seen.slot;
  switch (lack) {
    case Lack::kId:
      store_be(MutableBytes(message),
               static_cast<std::uint16_t>(load_be<std::uint16_t>(message) + 1 + random() % 65535));
      break;
    case Lack::kCase:
      message[13] ^= std::byte{0x20};
      break;
    case Lack::kName:
      message[13] = message[13] == std::byte{'z'} ? std::byte{'y'} : std::byte{'z'};
      break;
    case Lack::kType:
      message[seen.query.size() - dns::kOptSize - 3] ^= std::byte{16};
      break;
    case Lack::kClass:
      message[seen.query.size() - dns::kOptSize - 1] = std::byte{3};
      break;
    case Lack::kServer:
      from.address = Ipv4Address::of(10, 0, 0, 99);
      break;
    case Lack::kServerPort:
      ++from.port;
      break;
    case Lack::kSocket:
      slot.serial += 1 + static_cast<std::uint32_t>(random() % 1000);
      break;
    case Lack::kResponseBit:
      message[2] &= std::byte{0x7f};
      break;
    case Lack::kQuestion:
      message[5] = std::byte{0};
      break;
    case Lack::kOpcode:
      message[2] |= std::byte{0x20};
      break;
    case Lack::kSize:  // with every secret, as the second fragment of a real response has them
      message.resize(1300);
      break;
    case Lack::kTruncation:
      message[2] |= std::byte{0x02};
      break;
    case Lack::kCut:
      message.resize(random() % (seen.query.size() - dns::kOptSize));
      break;
    case Lack::kCount:
      break;
  }
  world.engine.receive(slot, from, message, world.now);
}

TEST(Poisoning, FailsWithoutEveryOneOfTheSecrets) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    World world({{}, {.delay = milliseconds(60)}});
    world.engine.renew({random(), random()});
    Lookup lookup;
    world.engine.query(lookup, "www.test", Type::kA, world.now);
    for (int i = 0; i < 8 && !lookup.done(); ++i) {
      const Query& query = world.queries[random() % world.queries.size()];
      const auto lack = static_cast<Lack>(random() % static_cast<std::uint64_t>(Lack::kCount));
      if (query.transport == Transport::kTcp) continue;
      attack(world, {query.slot, query.server, query.bytes}, lack, random);
      world.run_until(world.now + milliseconds(static_cast<std::int64_t>(random() % 10)));
    }
    world.run(lookup);
    ASSERT_EQ(World::text(lookup), "192.0.2.1");
    ASSERT_EQ(world.records("www.test", Type::kA), "192.0.2.1");
    ASSERT_EQ(world.records("v4.test", Type::kA), "192.0.2.4");
    ASSERT_EQ(world.records("ns.test", Type::kA), "192.0.2.53");
  }
}

TEST(Poisoning, TheForgeryOfTheseTestsWorksWithEverySecret) {
  World world({{}});
  Lookup lookup;
  world.engine.query(lookup, "www.test", Type::kA, world.now);
  const Query& query = world.queries[0];
  world.engine.receive(query.slot, query.server, forge(query.bytes), world.now);
  EXPECT_EQ(World::text(lookup), kForged);
  // Even then, only the name of the question is defined.
  EXPECT_EQ(world.records("v4.test", Type::kA), "192.0.2.4");
}

TEST(Poisoning, AFloodOfGuessesEndsInAQueryOverTcp) {
  World world({{}});
  Lookup lookup;
  world.engine.query(lookup, "www.test", Type::kA, world.now);
  const Query query = world.queries[0];
  Message guess = forge(query.bytes);
  for (unsigned id = 0; id < 65536; ++id) {
    store_be(MutableBytes(guess), static_cast<std::uint16_t>(id));
    if (id == load_be<std::uint16_t>(query.bytes)) continue;
    world.engine.receive(query.slot, query.server, guess, world.now);
  }
  EXPECT_EQ(world.engine.count(Engine::kWrongId), Engine::kMaxWrong);
  EXPECT_EQ(world.engine.count(Engine::kSuspected), 1U);
  // The right one comes too late.
  world.engine.receive(query.slot, query.server, forge(query.bytes), world.now);
  world.run(lookup);
  EXPECT_EQ(World::text(lookup), "192.0.2.1");
  EXPECT_EQ(world.queries.back().transport, Transport::kTcp);
}

TEST(Poisoning, EqualQuestionsAreNotInFlightTwiceAtOneServer) {
  World world({{.dead = true}});
  std::array<Lookup, 20> lookups;
  for (Lookup& each : lookups) world.engine.query(each, "www.test", Type::kA, world.now);
  EXPECT_EQ(world.queries.size(), 1U);
}

TEST(Poisoning, RecordsOutsideTheQuestionDefineNothing) {
  // A server adds addresses of other names to each of its answers, in each section.
  World world({{.behaviour = [](const Query& query, Message& answer) {
    dns::Reader reader(query.bytes);
    (void)reader.header();
    const auto question = reader.question();
    if (!dns::same_name(question->name, dns::Name::from_text("www.test.").value())) return true;
    Message more = forge(query.bytes, false);
    dns::Reader forged(more);
    (void)forged.header();
    (void)forged.question();
    (void)forged.record();
    const auto at = static_cast<std::ptrdiff_t>(forged.position());
    // Behind the OPT record: they are additional records.
    answer.insert(answer.end(), more.begin() + at, more.end());
    store_be(MutableBytes(answer).subspan(10),
             static_cast<std::uint16_t>(load_be<std::uint16_t>(Bytes(answer).subspan(10)) + 2));
    return true;
  }}});
  EXPECT_EQ(world.records("www.test", Type::kA), "192.0.2.1");
  EXPECT_EQ(world.records("v4.test", Type::kA), "192.0.2.4");
  EXPECT_EQ(world.records("ns.test", Type::kA), "192.0.2.53");
}

}  // namespace
}  // namespace fata::resolver
