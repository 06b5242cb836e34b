// The engine with a guard: which answers are limited, what a limited client receives, and cookies.
#include "fata/dns/guard.hpp"

#include <gtest/gtest.h>

#include "decode.hpp"
#include "zones.hpp"

namespace fata::dns::test {
namespace {

constexpr std::uint32_t kNow = 1'700'000'000;
constexpr unsigned kBadCookieCode = 23;
constexpr unsigned kAaaaType = 28, kTxtType = 16;

class GuardTest : public testing::Test {
 protected:
  explicit GuardTest(std::uint32_t rate = 200, std::string_view exempt = "") {
    Prefixes prefixes;
    if (!exempt.empty()) EXPECT_TRUE(parse_parameter(exempt, prefixes));
    std::array<std::byte, Guard::kSeedSize> seed{};
    for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::byte>(i * 73 + 5);
    guard = std::make_unique<Guard>(RateLimit{rate}, prefixes, seed, &clock);
    guard->set_time(Instant{1'000'000'000});
  }

  // The response to the client; nullopt if it is withheld.
  std::optional<Decoded> ask(const Ask& ask, std::string_view from = "192.0.2.1",
                             Transport transport = Transport::kUdp) {
    return ask_bytes(query_bytes(ask), from, transport);
  }
  std::optional<Decoded> ask_bytes(const std::vector<std::uint8_t>& query, std::string_view from,
                                   Transport transport = Transport::kUdp) {
    const auto v4 = Ipv4Address::parse(from);
    const IpAddress client = v4 ? IpAddress(*v4) : IpAddress::parse_v6(from).value();
    const std::size_t size = engine.answer(as_span(query), out, transport, guard.get(), client);
    if (size == 0) return std::nullopt;
    const Decoded got = decode(Bytes(out).first(size));
    EXPECT_TRUE(got.ok);
    return got;
  }
  // Numbers of responses that are complete, truncated, and withheld.
  struct Tally {
    unsigned whole = 0, truncated = 0, none = 0;
    friend bool operator==(const Tally&, const Tally&) = default;
  };
  Tally flood(const Ask& question, unsigned count, std::string_view from = "192.0.2.1",
              Transport transport = Transport::kUdp) {
    Tally tally;
    for (unsigned i = 0; i < count; ++i) {
      const auto got = ask(question, from, transport);
      ++(!got ? tally.none : got->tc() ? tally.truncated : tally.whole);
    }
    return tally;
  }
  std::uint64_t counted(std::string_view name) const {
    for (const auto counters : {engine.counters(), guard->counters()}) {
      for (const Counter& counter : counters) {
        if (counter.name == name) return counter.value;
      }
    }
    ADD_FAILURE() << name;
    return 0;
  }

  struct TestClock {
    Instant now() { return {}; }
    WallTime wall() { return time; }
    Duration wall_error() { return kInfinite; }
    WallTime time{std::int64_t{kNow} * 1'000'000'000};
  };
  TestClock clock;
  std::vector<std::byte> out = std::vector<std::byte>(65535);
  Engine engine = engine_with({kExampleZone});
  std::unique_ptr<Guard> guard;
};

// A COOKIE option with these hexadecimal digits as its data.
std::vector<std::uint8_t> cookie_option(std::string_view digits) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::uint8_t> option{0, 10, 0, static_cast<std::uint8_t>(digits.size() / 2)};
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    option.push_back(static_cast<std::uint8_t>(value(digits[i]) * 16 + value(digits[i + 1])));
  return option;
}
Ask with_cookie(std::string_view digits) {
  return {.name = "host1.example.", .payload = 1232, .options = cookie_option(digits)};
}
constexpr std::string_view kClientCookie = "0123456789abcdef";

TEST_F(GuardTest, AFloodOfOnePrefixIsAnsweredAtTheRateAndEverySecondOfTheRestTruncated) {
  EXPECT_EQ(flood({.name = "host1.example."}, 1000), (Tally{200, 400, 400}));
  EXPECT_EQ(flood({.name = "host1.example."}, 1, "192.0.3.1"), (Tally{1, 0, 0}));
  EXPECT_EQ(counted("limited"), 800U);
  EXPECT_EQ(counted("slipped"), 400U);
  EXPECT_EQ(counted("queries"), 1001U);
  EXPECT_EQ(counted("noerror"), 601U) << "what is not sent does not count";
  EXPECT_EQ(counted("truncated"), 400U);
  guard->set_time(Instant{1'500'000'000});
  EXPECT_EQ(flood({.name = "host1.example."}, 150).whole, 100U) << "half a second's credit";
}

TEST_F(GuardTest, EachClassHasItsOwnLimit) {
  const Ask kinds[] = {{.name = "host1.example."},
                       {.name = "host1.example.", .type = kAaaaType},
                       {.name = "nothing.host1.example."},
                       {.name = "elsewhere.test."}};
  for (const Ask& kind : kinds) {
    EXPECT_EQ(flood(kind, 200), (Tally{200, 0, 0})) << kind.name;
    EXPECT_EQ(flood(kind, 100), (Tally{0, 50, 50})) << kind.name;
  }
  // A referral counts as an answer without records, an alias as one with records.
  EXPECT_EQ(flood({.name = "www.glue.example."}, 2), (Tally{0, 1, 1}));
  EXPECT_EQ(flood({.name = "alias.example."}, 2), (Tally{0, 1, 1}));
}

TEST_F(GuardTest, AnswersThatDoNotFitAreLimitedToo) {
  const Ask big{.name = "big.example.", .type = kTxtType};
  EXPECT_EQ(flood(big, 200), (Tally{0, 200, 0}));
  EXPECT_EQ(flood(big, 100), (Tally{0, 50, 50}));
  EXPECT_EQ(counted("truncated"), 250U);
  EXPECT_EQ(counted("noerror"), 250U);
}

TEST_F(GuardTest, WhatSlipsThroughIsNoLargerThanItsQuestion) {
  for (const int payload : {-1, 1232}) {
    const Ask question{
        .name = "nothing.host1.example.", .payload = payload, .dnssec_ok = payload >= 0};
    (void)flood(question, 200);
    const auto got = ask(question);
    ASSERT_TRUE(got.has_value());
    EXPECT_TRUE(got->tc());
    EXPECT_EQ(got->rcode(), 0U) << "whether the name exists is for TCP to tell";
    EXPECT_EQ(got->answer.size() + got->authority.size() + got->additional.size(), 0U);
    EXPECT_EQ(got->has_opt, payload >= 0);
    EXPECT_EQ(got->opt_do, payload >= 0);
    EXPECT_EQ(got->qname, question.name);
    EXPECT_EQ(got->id, 0xabcdU);
    EXPECT_FALSE(ask(question).has_value());
  }
}

TEST_F(GuardTest, AnErrorThatSlipsThroughRemainsThatError) {
  (void)flood({.name = "elsewhere.test."}, 200);
  EXPECT_EQ(ask({.name = "elsewhere.test."})->rcode(), 5U);
  (void)ask({.name = "elsewhere.test."});
  EXPECT_EQ(ask({.name = "host1.example.", .payload = 1232, .version = 1})->rcode(), 16U);
}

TEST_F(GuardTest, OddMessagesAreLimitedAsErrors) {
  std::vector<std::uint8_t> cut = query_bytes({.name = "host1.example."});
  cut.resize(20);
  unsigned answered = 0;
  for (unsigned i = 0; i < 400; ++i) answered += ask_bytes(cut, "192.0.2.1").has_value();
  EXPECT_EQ(answered, 300U);
}

TEST_F(GuardTest, TcpAndLoopbackAreNotLimited) {
  EXPECT_EQ(flood({.name = "host1.example."}, 1000, "192.0.2.1", Transport::kTcp),
            (Tally{1000, 0, 0}));
  EXPECT_EQ(flood({.name = "host1.example."}, 1000, "127.0.0.1"), (Tally{1000, 0, 0}));
  EXPECT_EQ(flood({.name = "host1.example."}, 1000, "127.255.0.1"), (Tally{1000, 0, 0}));
  EXPECT_EQ(flood({.name = "host1.example."}, 1000, "::1"), (Tally{1000, 0, 0}));
  EXPECT_EQ(counted("limited"), 0U);
}

TEST_F(GuardTest, ABatchIsLimitedAsSingleQueriesAre) {
  const auto query = query_bytes({.name = "host1.example."});
  const std::array<IpAddress, 2> clients{Ipv4Address::of(192, 0, 2, 1),
                                         Ipv4Address::of(203, 0, 113, 1)};
  std::vector<std::vector<std::byte>> outs(60, std::vector<std::byte>(512));
  std::array<unsigned, 2> answered{};
  for (unsigned batch = 0; batch < 20; ++batch) {
    std::vector<Exchange> exchanges;
    for (std::size_t i = 0; i < outs.size(); ++i)
      exchanges.push_back(
          {.query = as_span(query), .out = outs[i], .client = &clients[i % 20 == 0]});
    engine.answer_batch(exchanges, Transport::kUdp, guard.get());
    for (const Exchange& exchange : exchanges)
      answered[exchange.client == &clients[1]] += exchange.size != 0;
  }
  EXPECT_EQ(answered[0], 200U + (1140 - 200) / 2);
  EXPECT_EQ(answered[1], 60U);
}

class ExemptTest : public GuardTest {
 protected:
  ExemptTest() : GuardTest(10, "10.0.2.2,fec0::/64") {}
};
TEST_F(ExemptTest, ExemptPrefixesAreNotLimited) {
  EXPECT_EQ(flood({.name = "host1.example."}, 100, "10.0.2.2"), (Tally{100, 0, 0}));
  EXPECT_EQ(flood({.name = "host1.example."}, 100, "fec0::2"), (Tally{100, 0, 0}));
  EXPECT_EQ(flood({.name = "host1.example."}, 100, "10.0.3.2").whole, 10U);
}

TEST_F(ExemptTest, ExemptClientsSpendNoCreditOfTheirPrefix) {
  EXPECT_EQ(flood({.name = "host1.example."}, 1000, "10.0.2.2"), (Tally{1000, 0, 0}));
  EXPECT_EQ(flood({.name = "host1.example."}, 10, "10.0.2.3"), (Tally{10, 0, 0}));
  EXPECT_EQ(flood({.name = "host1.example."}, 2, "10.0.2.3"), (Tally{0, 1, 1}));
}

class UnlimitedTest : public GuardTest {
 protected:
  UnlimitedTest() : GuardTest(0) {}
};
TEST_F(UnlimitedTest, NothingIsLimitedButCookiesAreGiven) {
  EXPECT_EQ(guard->limiter(), nullptr);
  EXPECT_EQ(flood({.name = "host1.example."}, 1000), (Tally{1000, 0, 0}));
  EXPECT_EQ(ask(with_cookie(kClientCookie))->options.size(), 2 * 28U);
}

TEST_F(GuardTest, AClientsCookieIsAnsweredWithAServersCookie) {
  const auto got = ask(with_cookie(kClientCookie));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->rcode(), 0U);
  EXPECT_EQ(got->answer.size(), 1U);
  ASSERT_EQ(got->options.substr(0, 40),
            "000a0018" + std::string(kClientCookie) + "01000000" + "6553f100");
  // The cookie is returned unchanged, in the other kinds of answers too, and only on request.
  const std::string cookie = got->options.substr(8);
  for (const char* name :
       {"host1.example.", "alias.example.", "nothing.host1.example.", "www.glue.example.",
        "x.wc.deep.example.", "elsewhere.test.", "x.old.example."}) {
    Ask question = with_cookie(cookie);
    question.name = name;
    EXPECT_EQ(ask(question)->options, "000a0018" + cookie) << name;
    question.options.clear();
    EXPECT_EQ(ask(question)->options, "") << name;
  }
}

TEST_F(GuardTest, AValidCookieIsNotLimited) {
  const std::string cookie = ask(with_cookie(kClientCookie))->options.substr(8);
  EXPECT_EQ(flood(with_cookie(cookie), 1000), (Tally{1000, 0, 0}));
  EXPECT_EQ(counted("limited"), 0U);
  EXPECT_EQ(flood({.name = "host1.example."}, 300).whole, 199U)
      << "nor does it cost the others credit";
  const auto other = ask(with_cookie(cookie), "192.0.2.2");
  EXPECT_TRUE(!other || other->rcode() == kBadCookieCode) << "of another client";
}

TEST_F(GuardTest, AnIpv6ClientIsLimitedByItsPrefixAndKnownByItsCookie) {
  constexpr std::string_view kOne = "2001:db8:0:1100::1", kTwo = "2001:db8:0:11ff::1";
  const std::string cookie = ask(with_cookie(kClientCookie), kOne)->options.substr(8);
  EXPECT_EQ(flood({.name = "host1.example."}, 201, kOne), (Tally{199, 1, 1}));
  EXPECT_EQ(flood({.name = "host1.example."}, 2, kTwo), (Tally{0, 1, 1})) << "of the same /56";
  EXPECT_EQ(flood({.name = "host1.example."}, 2, "2001:db8:0:1200::1"), (Tally{2, 0, 0}));
  EXPECT_EQ(flood(with_cookie(cookie), 100, kOne), (Tally{100, 0, 0}));
  EXPECT_EQ(ask(with_cookie(cookie), kTwo)->rcode(), kBadCookieCode) << "made for another address";
  EXPECT_FALSE(ask(with_cookie(cookie), kTwo).has_value());
}

TEST_F(GuardTest, ABadCookieIsBadCookieOnlyWhereItIsLimited) {
  const std::string bad = std::string(kClientCookie) + "01000000" + "6553f100" + "0000000000000000";
  for (const std::string& sent :
       {bad, std::string(kClientCookie), std::string(kClientCookie) + "0011223344556677"}) {
    const auto normal = ask(with_cookie(sent), "198.51.100.1");
    EXPECT_EQ(normal->rcode(), 0U);
    EXPECT_EQ(normal->answer.size(), 1U);
    const std::string fresh = normal->options;
    (void)flood(with_cookie(sent), 200);
    // Every second response passes, as for other clients, with a valid cookie.
    std::optional<Decoded> limited = ask(with_cookie(sent));
    if (!limited) limited = ask(with_cookie(sent));
    ASSERT_TRUE(limited.has_value()) << sent;
    EXPECT_EQ(limited->rcode(), kBadCookieCode);
    EXPECT_FALSE(limited->tc());
    EXPECT_EQ(limited->answer.size(), 0U);
    EXPECT_NE(limited->options, fresh) << "of the client's own address";
    EXPECT_FALSE(ask(with_cookie(sent)).has_value());
    const auto again = ask(with_cookie(limited->options.substr(8)));
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->rcode(), 0U);
    EXPECT_EQ(again->answer.size(), 1U);
    EXPECT_EQ(ask(with_cookie(sent), "192.0.2.1", Transport::kTcp)->rcode(), 0U);
  }
  EXPECT_GE(counted("badcookie"), 3U);
}

TEST_F(GuardTest, MalformedCookiesAreFormErr) {
  for (std::size_t octets = 0; octets <= 64; ++octets) {
    const bool good = octets == 8 || (octets >= 16 && octets <= 40);
    for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
      const auto got = ask(with_cookie(std::string(2 * octets, '1')), "192.0.2.1", transport);
      EXPECT_EQ(got->rcode(), good ? 0U : 1U) << octets;
      EXPECT_TRUE(got->has_opt);
      EXPECT_EQ(got->qname, "host1.example.");
      EXPECT_EQ(got->options.empty(), !good);
    }
  }
  // Even if the question has other errors, such as a query for a zone transfer.
  Ask transfer = with_cookie("0011");
  transfer.type = 252;
  EXPECT_EQ(ask(transfer)->rcode(), 1U);
  transfer.options = cookie_option(kClientCookie);
  EXPECT_EQ(ask(transfer)->rcode(), 5U);
  Ask huge = with_cookie(kClientCookie);
  huge.options = {0, 10, 1, 8};  // 264 octets: 8 modulo 256
  huge.options.resize(4 + 264);
  EXPECT_EQ(ask(huge)->rcode(), 1U);
}

TEST_F(GuardTest, TheFirstOfSeveralCookiesCounts) {
  Ask question = with_cookie(kClientCookie);
  const std::vector<std::uint8_t> other{0, 3, 0, 0}, malformed{0, 10, 0, 1, 7};
  question.options.insert(question.options.begin(), other.begin(), other.end());
  question.options.insert(question.options.end(), malformed.begin(), malformed.end());
  const auto got = ask(question);
  EXPECT_EQ(got->rcode(), 0U);
  EXPECT_EQ(got->options.substr(0, 24), "000a0018" + std::string(kClientCookie));
}

TEST_F(GuardTest, AQueryWithoutAQuestionAsksForACookie) {
  const auto question = [](std::string_view cookie) {
    std::vector<std::uint8_t> bytes = query_bytes(with_cookie(cookie));
    bytes[5] = 0;
    bytes.erase(bytes.begin() + 12, bytes.begin() + 12 + 19);  // host1.example. A IN
    return bytes;
  };
  const auto learnt = ask_bytes(question(kClientCookie), "192.0.2.1");
  ASSERT_TRUE(learnt.has_value());
  EXPECT_EQ(learnt->rcode(), 0U);
  EXPECT_EQ(learnt->questions, 0U);
  ASSERT_EQ(learnt->options.size(), 56U);
  EXPECT_EQ(ask_bytes(question(learnt->options.substr(8)), "192.0.2.1")->rcode(), 0U);
  const auto bad = ask_bytes(question(learnt->options.substr(8)), "192.0.2.2");
  EXPECT_EQ(bad->rcode(), kBadCookieCode) << "RFC 7873 section 5.4";
  EXPECT_EQ(ask_bytes(question(bad->options.substr(8)), "192.0.2.2")->rcode(), 0U);
  EXPECT_EQ(ask_bytes(question("0011"), "192.0.2.1")->rcode(), 1U);
  // To a server without cookies, it is just a malformed query.
  EXPECT_EQ(decode(as_span(answer_bytes(engine, question(kClientCookie), Transport::kUdp))).rcode(),
            1U);
  unsigned answered = 0;
  for (unsigned i = 0; i < 400; ++i)
    answered += ask_bytes(question(kClientCookie), "203.0.113.1").has_value();
  EXPECT_EQ(answered, 300U) << "it is limited as any other";
}

TEST_F(GuardTest, OtherOpcodesAndVersionsGetNoCookieOutOfTurn) {
  Ask question = with_cookie(kClientCookie);
  question.version = 1;
  EXPECT_EQ(ask(question)->rcode(), 16U);
  EXPECT_EQ(ask(question)->options, "");
  for (unsigned opcode = 1; opcode < 16; ++opcode) {
    Ask other = with_cookie(kClientCookie);
    other.flags = opcode << 11;
    EXPECT_EQ(ask(other)->rcode(), 4U);
  }
}

TEST_F(GuardTest, CookiesFollowTheTimeOfDay) {
  const std::string cookie = ask(with_cookie(kClientCookie))->options.substr(8);
  clock.time.ns += std::int64_t{3601} * 1'000'000'000;
  guard->set_time(Instant{1'900'000'000});
  EXPECT_EQ(ask(with_cookie(cookie))->options.substr(8), cookie)
      << "the time of day is not asked for again yet";
  guard->set_time(Instant{2'000'000'000});
  EXPECT_EQ(ask(with_cookie(cookie))->options.substr(24, 16),
            "01000000"
            "6553ff11");
}

TEST_F(GuardTest, ASetThatFillsAMessageComesWithoutACookieOverTcp) {
  std::string text = "$ORIGIN m.test.\n$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS ns\nx TXT";
  for (unsigned i = 0; i < 255; ++i) text += " " + std::string(255, 'a');
  engine = engine_with({text + " " + std::string(205, 'b')});
  Ask question = with_cookie(kClientCookie);
  question.name = "x.m.test.";
  question.type = kTxtType;
  const auto got = ask(question, "192.0.2.1", Transport::kTcp);
  EXPECT_FALSE(got->tc());
  EXPECT_EQ(got->answer.size(), 1U);
  EXPECT_EQ(got->options, "");
  EXPECT_EQ(counted("truncated"), 0U);
  EXPECT_EQ(counted("noerror"), 1U);
}

TEST_F(GuardTest, AnEngineWithoutAGuardPassesCookiesOver) {
  const Decoded got = resolve(engine, with_cookie(kClientCookie));
  EXPECT_EQ(got.rcode(), 0U);
  EXPECT_EQ(got.options, "");
}

// The longest question and every size of answer, with a cookie in it.
TEST_F(GuardTest, ACookieKeepsAnAnswerWithinTheClientsSize) {
  for (int payload = 512; payload < 700; ++payload) {
    Ask question = with_cookie(kClientCookie);
    question.name = "big.example.";
    question.type = kTxtType;
    question.payload = payload;
    const auto query = query_bytes(question);
    const IpAddress client = Ipv4Address::of(127, 0, 0, 1);
    const std::size_t size =
        engine.answer(as_span(query), out, Transport::kUdp, guard.get(), client);
    const Decoded got = decode(Bytes(out).first(size));
    EXPECT_LE(size, static_cast<std::size_t>(payload));
    EXPECT_TRUE(got.ok);
    EXPECT_EQ(got.options.size(), 56U);
    EXPECT_EQ(got.tc(), got.answer.empty());
  }
}

}  // namespace
}  // namespace fata::dns::test
