// Messages other than plain queries: each is answered as its RFC requires, or dropped.
#include "decode.hpp"
#include "zones.hpp"

namespace fata::dns::test {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr int kDropped = -1;

struct Case {
  const char* what;
  Octets message;
  int rcode;
  unsigned questions;  // echoed
  bool opt = false;
};

Octets plus(Octets message, const Octets& tail) {
  message.insert(message.end(), tail.begin(), tail.end());
  return message;
}
Octets with(Octets message, std::size_t at, std::uint8_t value) {
  message.at(at) = value;
  return message;
}
Octets cut(Octets message, std::size_t by) {
  message.resize(message.size() - by);
  return message;
}
const Octets kOpt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};

std::vector<Case> cases() {
  const Octets plain = query_bytes({.name = "host1.example."});
  const Octets edns = query_bytes({.name = "host1.example.", .payload = 1232});
  const std::string label(63, 'x');
  const std::string longest =
      label + "." + label + "." + label + "." + std::string(53, 'y') + ".example.";
  const Octets question{4, 'h', 'o', 's', 't', 0, 0, 1, 0, 1};
  return {
      {"nothing", {}, kDropped, 0},
      {"less than a header", Octets(11), kDropped, 0},
      {"a response", with(plain, 2, 0x80), kDropped, 0},
      {"a response of another opcode", with(plain, 2, 0xa8), kDropped, 0},
      {"a header alone", Octets(12), 1, 0},
      {"no question", with(cut(plain, plain.size() - 12), 5, 0), 1, 0},
      {"two questions (RFC 9619)", plus(with(plain, 5, 2), question), 1, 0},
      {"fewer questions than said", with(plain, 5, 2), 1, 0},
      {"a question cut short", cut(plain, 1), 1, 0},
      {"a name cut short", cut(plain, 6), 1, 0},
      {"a pointer to itself as the name",
       {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1},
       1,
       0},
      {"a pointer into the header as the name",
       {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 4, 0, 1, 0, 1},
       1,
       0},
      {"a label type that was never used",
       {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 1, 0, 1},
       1,
       0},
      {"the longest name", query_bytes({.name = longest}), 0, 1},
      {"a name of 256 octets", query_bytes({.name = "z" + longest}), 1, 0},
      {"one octet too many", plus(plain, {0}), 1, 0},
      {"an OPT record that the header does not announce", plus(plain, kOpt), 1, 0},
      {"an announced record that is not there", with(plain, 11, 1), 1, 0},
      {"two OPT records", plus(with(edns, 11, 2), kOpt), 1, 0},
      {"an OPT record as an answer", with(with(edns, 11, 0), 7, 1), 1, 0},
      {"an OPT record that is not the root's", plus(with(plain, 11, 1), plus({1, 'x'}, kOpt)), 1,
       0},
      {"an OPT record whose rdata is cut short", with(edns, edns.size() - 1, 4), 1, 0},
      {"an option that runs past its end", plus(with(edns, edns.size() - 1, 4), {0, 10, 0, 8}), 1,
       0},
      {"an unknown option", plus(with(edns, edns.size() - 1, 6), {0xff, 1, 0, 2, 1, 2}), 0, 1,
       true},
      {"a status query", with(plain, 2, 0x10), 4, 1},
      {"a notification", with(plain, 2, 0x20), 4, 1},
      {"an update with EDNS", with(edns, 2, 0x28), 4, 1, true},
      {"an update that is not like a query", {0, 1, 0x28, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 4, 0},
      {"class CH", query_bytes({.name = "version.bind.", .type = 16, .klass = 3}), 5, 1},
      {"class ANY", query_bytes({.name = "host1.example.", .klass = 255}), 5, 1},
      {"a zone transfer", query_bytes({.name = "example.", .type = 252}), 5, 1},
      {"an incremental zone transfer",
       query_bytes({.name = "example.", .type = 251, .payload = 1232}), 5, 1, true},
      {"OPT as the type asked for", query_bytes({.name = "example.", .type = 41}), 1, 1},
      {"another record beside the question",
       plus(with(plain, 11, 1), {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 9}), 0, 1},
      {"a compressed owner in another record",
       plus(with(plain, 7, 1), {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0}), 0, 1},
  };
}

TEST(Malformed, MessagesAreAnsweredAsTheirRfcSays) {
  Engine engine = engine_with({kExampleZone});
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.what);
    for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
      const Octets bytes = answer_bytes(engine, c.message, transport);
      if (c.rcode == kDropped) {
        EXPECT_TRUE(bytes.empty());
        continue;
      }
      const Decoded got = decode(as_span(bytes));
      ASSERT_TRUE(got.ok);
      EXPECT_EQ(static_cast<int>(got.rcode()), c.rcode);
      EXPECT_EQ(got.questions, c.questions);
      EXPECT_EQ(got.has_opt, c.opt);
      EXPECT_EQ(got.id, static_cast<unsigned>(c.message[0] << 8 | c.message[1]));
      EXPECT_EQ(got.flags & 0x8000, 0x8000U);
      EXPECT_EQ(got.flags >> 11 & 15, static_cast<unsigned>(c.message[2]) >> 3 & 15U)
          << "the opcode is the query's";
    }
  }
}

TEST(Malformed, AHigherVersionOfEdnsIsBadvers) {
  Engine engine = engine_with({kExampleZone});
  Octets query = query_bytes({.name = "host1.example.", .payload = 1232, .dnssec_ok = true});
  query[query.size() - 5] = 1;
  const Decoded got = decode(as_span(answer_bytes(engine, query, Transport::kUdp)));
  ASSERT_TRUE(got.ok);
  EXPECT_EQ(got.rcode(), 16U);
  EXPECT_EQ(got.opt_version, 0U);
  EXPECT_TRUE(got.opt_do);
  EXPECT_TRUE(got.answer.empty());
}

TEST(Malformed, FlagsOfTheQueryAreNotEchoedButForRecursionDesired) {
  Engine engine = engine_with({kExampleZone});
  for (const unsigned sent : {0x0000U, 0x0100U, 0x07ffU & ~0xfU}) {
    const Decoded got = resolve(engine, {.name = "host1.example.", .flags = sent});
    EXPECT_EQ(got.flags, 0x8400U | (sent & 0x0100))
        << "CD and AD are clear in authoritative answers (RFC 4035)";
  }
}

TEST(Malformed, OfAnotherOpcodeNoFlagIsCopied) {
  Engine engine = engine_with({kExampleZone});
  const Octets header{0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const Octets plain = query_bytes({.name = "host1.example."});
  const Octets edns = query_bytes({.name = "host1.example.", .payload = 1232, .version = 1});
  for (unsigned opcode = 1; opcode < 16; ++opcode) {
    SCOPED_TRACE(opcode);
    for (const Octets* message : {&header, &plain, &edns}) {
      Octets query = *message;
      query[2] = static_cast<std::uint8_t>(opcode << 3 | 7);
      query[3] = 0xff;
      const Decoded got = decode(as_span(answer_bytes(engine, query, Transport::kUdp)));
      ASSERT_TRUE(got.ok);
      EXPECT_EQ(got.flags, 0x8004U | opcode << 11) << "QR, the opcode, NOTIMP";
      EXPECT_EQ(got.extended, 0U);
      EXPECT_EQ(got.has_opt, message == &edns);
      const bool question = opcode == 2 || opcode == 4 || opcode == 5;
      EXPECT_EQ(got.questions, question && message != &header ? 1U : 0U);
    }
  }
}

TEST(Malformed, EachErrorCopiesRecursionDesiredAndNothingElse) {
  Engine engine = engine_with({kExampleZone});
  const struct {
    const char* what;
    Octets query;
    unsigned rcode;
  } cases[] = {
      {"FORMERR", Octets(12), 1},
      {"FORMERR with a question", query_bytes({.name = "example.", .type = 41}), 1},
      {"REFUSED", query_bytes({.name = "elsewhere."}), 5},
      {"REFUSED, a transfer", query_bytes({.name = "example.", .type = 252}), 5},
      {"BADVERS", query_bytes({.name = "example.", .payload = 1232, .version = 1}), 16},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    for (const unsigned desired : {0U, 1U}) {
      Octets query = c.query;
      query[2] = static_cast<std::uint8_t>(0x06 | desired);  // AA, TC
      query[3] = 0xff;                                       // RA, Z, AD, CD, an rcode
      const Decoded got = decode(as_span(answer_bytes(engine, query, Transport::kUdp)));
      ASSERT_TRUE(got.ok);
      EXPECT_EQ(got.rcode(), c.rcode);
      EXPECT_EQ(got.flags & 0xfff0, 0x8000U | desired << 8);
    }
  }
}

TEST(Malformed, EveryPrefixOfAQueryIsHandled) {
  Engine engine = engine_with({kExampleZone});
  const Octets whole = query_bytes({.name = "host1.example.", .payload = 1232});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of exactly that size, so that the sanitizer sees a read past the end.
    const Octets part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const Octets answer = answer_bytes(engine, part, Transport::kUdp);
    EXPECT_EQ(answer.size(), size < 12 ? 0U : 12U) << size;
  }
}

TEST(Malformed, TooLittleRoomForAnAnswerGivesNone) {
  Engine engine = engine_with({kExampleZone});
  std::vector<std::byte> out(kMinAnswerRoom - 1);
  EXPECT_EQ(engine.answer(as_span(query_bytes({.name = "host1.example."})), out, Transport::kUdp),
            0U);
}

}  // namespace
}  // namespace fata::dns::test
