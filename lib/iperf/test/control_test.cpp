#include "fata/iperf/control.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace fata::iperf {
namespace {

constexpr Parameters kPlain{.parallel = 2, .length = 1000};

Results some_results(std::uint64_t bytes) {
  Results results{.cpu_permille = 123, .has_retransmits = true};
  results.streams.push_back({.id = 1,
                             .bytes = bytes,
                             .retransmits = 7,
                             .jitter = nanoseconds(17),
                             .errors = 2,
                             .packets = 900,
                             .end = milliseconds(1500)});
  results.streams.push_back({.id = 3, .bytes = bytes + 1});
  return results;
}

// Moves bytes between two engines in random pieces and returns the events.
class Wire {
 public:
  explicit Wire(unsigned seed, const Parameters& parameters = kPlain)
      : client(make_cookie({}), parameters), chance_(seed) {}

  // Delivers bytes to one side; returns its next event other than kNothing.
  template <class To, class From>
  Event next(To& to, From& from, std::vector<std::byte>& queue) {
    for (int tries = 0; tries < 100'000; ++tries) {
      const std::vector<std::byte> more = from.output();
      queue.insert(queue.end(), more.begin(), more.end());
      if (const Event event = to.next(); event != Event::kNothing) return event;
      if (queue.empty()) return Event::kNothing;
      const std::size_t count = 1 + chance_() % queue.size();
      to.receive(Bytes(queue).first(count));
      queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return Event::kNothing;
  }
  Event server_next() { return next(server, client, to_server_); }
  Event client_next() { return next(client, server, to_client_); }
  // The cookie is read before the engine exists.
  void drop_cookie() {
    std::vector<std::byte> out = client.output();
    to_server_.assign(out.begin() + kCookieSize, out.end());
  }

  ServerControl server;
  ClientControl client;

 private:
  std::mt19937 chance_;
  std::vector<std::byte> to_server_, to_client_;
};

TEST(Control, GoesThroughATestInPiecesOfAnySize) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    Wire wire(seed);
    wire.drop_cookie();
    EXPECT_EQ(wire.client_next(), Event::kNothing);
    ASSERT_EQ(wire.server_next(), Event::kParameters);
    EXPECT_EQ(wire.server.parameters().parallel, 2U);
    EXPECT_EQ(wire.server.parameters().length, 1000U);
    wire.server.create_streams();
    ASSERT_EQ(wire.client_next(), Event::kCreateStreams);
    wire.server.start();
    ASSERT_EQ(wire.client_next(), Event::kStart);
    ASSERT_EQ(wire.client_next(), Event::kRunning);
    wire.client.end();
    ASSERT_EQ(wire.server_next(), Event::kEnd);
    wire.server.exchange_results();
    ASSERT_EQ(wire.client_next(), Event::kExchange);
    wire.client.give_results(some_results(1000));
    ASSERT_EQ(wire.server_next(), Event::kResults);
    wire.server.give_results(some_results(2000));
    ASSERT_EQ(wire.client_next(), Event::kResults);
    ASSERT_EQ(wire.client_next(), Event::kDone);
    if (seed % 2 != 0) wire.server.receive({});  // the client is gone before its last byte arrives
    ASSERT_EQ(wire.server_next(), Event::kDone);

    ASSERT_EQ(wire.client.peer_results().streams.size(), 2U);
    EXPECT_EQ(wire.client.peer_results().find(3)->bytes, 2001U);
    const StreamResult& seen = *wire.server.peer_results().find(1);
    EXPECT_EQ(seen.bytes, 1000U);
    EXPECT_EQ(seen.retransmits, 7);
    EXPECT_EQ(seen.jitter.ns, 17);
    EXPECT_EQ(seen.errors, 2U);
    EXPECT_EQ(seen.packets, 900U);
    EXPECT_EQ(seen.end.ms(), 1500);
    EXPECT_EQ(wire.server.peer_results().cpu_permille, 123U);
    EXPECT_TRUE(wire.server.peer_results().has_retransmits);
  }
}

template <class Engine>
Event after(Engine& engine, std::string_view bytes) {
  engine.receive(as_bytes(bytes));
  return engine.next();
}
std::string_view message(const Control& control) { return control.error().message(); }

TEST(Control, AServerRefusesWhatIsNoParameters) {
  struct Case {
    std::string_view json;
    Errc error;
  };
  for (const Case& c :
       {Case{"[1,2]", Errc::kBadParameters}, Case{"{}", Errc::kBadParameters},
        Case{"", Errc::kBadParameters}, Case{R"({"len":1e9999})", Errc::kBadParameters},
        Case{R"({"len":-1})", Errc::kBadParameters},
        Case{R"({"len":100,"time":"x"})", Errc::kBadParameters},
        Case{R"({"len":100,"time":86401})", Errc::kBadParameters},
        Case{R"({"len":100,"time":4294967295})", Errc::kBadParameters},
        Case{R"({"len":100} )"
             "\x01",
             Errc::kBadParameters},
        Case{R"({"len":100,"parallel":129})", Errc::kTooManyStreams},
        Case{R"({"len":100,"parallel":0})", Errc::kTooManyStreams},
        Case{R"({"len":100,"sctp":true})", Errc::kUnsupported},
        Case{R"({"len":12,"udp":true})", Errc::kBadParameters},
        Case{R"({"len":65508,"udp":true})", Errc::kBadParameters}}) {
    std::string bytes{'\0', '\0', '\0', static_cast<char>(c.json.size())};
    bytes += c.json;
    ServerControl server;
    EXPECT_EQ(after(server, bytes), Event::kFailed) << c.json;
    ASSERT_TRUE(server.failed());
    EXPECT_TRUE(server.error().is(c.error)) << c.json << ": " << message(server);
    EXPECT_EQ(server.next(), Event::kFailed);
  }
}

TEST(Control, AServerRefusesParametersThatAreTooLong) {
  for (const std::string_view bytes :
       {std::string_view("\0\0\x20\1", 4), std::string_view("\xff\xff\xff\xff")}) {
    ServerControl server;
    EXPECT_EQ(after(server, bytes), Event::kFailed);
    EXPECT_TRUE(server.error().is(Errc::kTooLong));
  }
}

TEST(Control, AServerTellsItsRefusalWithANumber) {
  ServerControl server;
  (void)server.output();
  server.refuse(Errc::kTooManyStreams);
  const std::vector<std::byte> said = server.output();
  EXPECT_EQ(as_text(said), std::string_view("\xfe\0\0\0\6\0\0\0\0", 9));
  ClientControl client(make_cookie({}), kPlain);
  client.receive(said);
  EXPECT_EQ(client.next(), Event::kFailed);
  EXPECT_TRUE(client.error().is(Errc::kServerError));
  EXPECT_EQ(client.error().detail(), 6U);
}

TEST(Control, AClientTellsApartWhyAServerDoesNotServe) {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, Errc> cases[]{
      {"\xff", Errc::kBusy},
      {"\x0b", Errc::kPeerStopped},
      {"\x0a", Errc::kBadState},
      {"\x63", Errc::kBadState},
      {"\x09\x0e", Errc::kBadState},
      {"\x09\x0a\x01\x02\x0d", Errc::kBadState},  // results before they were requested
  };
  for (const auto& [bytes, error] : cases) {
    ClientControl client(make_cookie({}), kPlain);
    client.receive(as_bytes(bytes));
    Event event;
    do event = client.next();
    while (event != Event::kNothing && event != Event::kFailed);
    ASSERT_EQ(event, Event::kFailed) << bytes;
    EXPECT_TRUE(client.error().is(error)) << message(client);
  }
}

TEST(Control, AnEarlyEndIsAnError) {
  ServerControl server;
  EXPECT_EQ(after(server, std::string_view("\0\0\0\2{", 5)), Event::kNothing);
  EXPECT_EQ(after(server, ""), Event::kFailed);
  EXPECT_TRUE(server.error().is(Errc::kPeerClosed));
}

TEST(Control, AFloodIsNotKept) {
  ServerControl server;
  const std::vector<std::byte> junk(kMaxResults + 65);
  server.receive(junk);
  EXPECT_EQ(server.next(), Event::kFailed);
  EXPECT_TRUE(server.error().is(Errc::kTooLong));
}

TEST(Control, AClientThatStopsIsHeardAtAnyTime) {
  Wire wire(1);
  wire.drop_cookie();
  EXPECT_EQ(wire.client_next(), Event::kNothing);
  ASSERT_EQ(wire.server_next(), Event::kParameters);
  wire.server.create_streams();
  wire.client.terminate();
  EXPECT_EQ(wire.server_next(), Event::kFailed);
  EXPECT_TRUE(wire.server.error().is(Errc::kPeerStopped));
}

TEST(Messages, ParametersAreReadAsTheyWereWritten) {
  const Parameters given{.udp = true,
                         .bidirectional = true,
                         .no_delay = true,
                         .counters_64bit = true,
                         .omit = 3,
                         .time = 7,
                         .bytes = 1ULL << 40,
                         .blocks = 12,
                         .parallel = 128,
                         .length = 1448,
                         .rate = 100'000'000'000,
                         .burst = 5};
  Text<512> text;
  write_json(text, given);
  ASSERT_FALSE(text.truncated());
  const auto read = parse_parameters(text.view());
  ASSERT_TRUE(read.has_value()) << text.view();
  EXPECT_TRUE(read->udp && read->bidirectional && read->no_delay && read->counters_64bit &&
              !read->reverse);
  EXPECT_EQ(read->omit, 3U);
  EXPECT_EQ(read->time, 7U);
  EXPECT_EQ(read->bytes, 1ULL << 40);
  EXPECT_EQ(read->blocks, 12U);
  EXPECT_EQ(read->parallel, 128U);
  EXPECT_EQ(read->length, 1448U);
  EXPECT_EQ(read->rate, 100'000'000'000U);
  EXPECT_EQ(read->burst, 5U);
}

TEST(Messages, ResultsOfAnotherVersionAreUnderstood) {
  // Output of version 3.12, with -1 as an unsigned number.
  const auto results = parse_results(
      R"({"cpu_util_total":3.36,"cpu_util_user":3.3,"cpu_util_system":0,"sender_has_retransmits":18446744073709551615,)"
      R"("streams":[{"id":1,"bytes":1277952,"retransmits":18446744073709551615,"jitter":0.00017837884724699972,)"
      R"("errors":0,"packets":39,"start_time":0,"end_time":1.001358}],"server_output_text":"...","more":{"x":[1]}})");
  ASSERT_TRUE(results.has_value());
  EXPECT_EQ(results->cpu_permille, 33U);
  EXPECT_FALSE(results->has_retransmits);
  ASSERT_NE(results->find(1), nullptr);
  EXPECT_EQ(results->find(1)->jitter.ns, 178378);
  EXPECT_EQ(results->find(1)->end.us(), 1001358);
  EXPECT_EQ(results->find(3), nullptr);
}

TEST(Messages, WrongResultsAreRefused) {
  std::string many = R"({"streams":[)";
  for (std::size_t i = 0; i <= 2 * kMaxStreams; ++i) many += i == 0 ? "{}" : ",{}";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string(R"({"streams":1})"),
        std::string(R"({"streams":[1]})"), std::string(R"({"streams":[{"id":"x"}]})"),
        std::string(R"({"streams":[{"id":1}]} x)"), many + "]}"}) {
    EXPECT_FALSE(parse_results(text).has_value()) << text;
  }
}

TEST(Messages, ResultsOfTheMostStreamsFitTheirBound) {
  Results results{.cpu_permille = 1000};
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t i = 0; i < 2 * kMaxStreams; ++i) {
    results.streams.push_back({.id = 100000,
                               .bytes = kMax,
                               .retransmits = std::numeric_limits<std::int64_t>::min(),
                               .jitter = seconds(9'000'000'000),
                               .errors = kMax,
                               .packets = kMax,
                               .start = seconds(9'000'000'000),
                               .end = seconds(9'000'000'000)});
  }
  std::string memory(results_size(results.streams.size()), '\0');
  TextWriter text(memory);
  write_json(text, results);
  EXPECT_FALSE(text.truncated());
  EXPECT_LE(text.size(), kMaxResults);
}

TEST(Messages, ACookieIsThirtySixLettersAndAZero) {
  std::array<std::byte, 36> random;
  for (std::size_t i = 0; i < random.size(); ++i) random[i] = static_cast<std::byte>(i * 7);
  const Cookie cookie = make_cookie(random);
  EXPECT_EQ(cookie.back(), std::byte{0});
  for (const char c : as_text(Bytes(cookie).first(36)))
    EXPECT_TRUE((c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'));
  EXPECT_NE(cookie, make_cookie({}));
}

}  // namespace
}  // namespace fata::iperf
