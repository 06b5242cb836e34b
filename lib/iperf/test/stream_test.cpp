#include "fata/iperf/stream.hpp"

#include <gtest/gtest.h>

#include "fata/iperf/quantity.hpp"
#include "fata/iperf/report.hpp"
#include "fata/iperf/test.hpp"
#include "fata/json/reader.hpp"

namespace fata::iperf {
namespace {

TEST(Stamp, IsReadAsItWasWritten) {
  for (const bool wide : {false, true}) {
    std::array<std::byte, 20> bytes{};
    Stamp{seconds(12) + microseconds(345'678), wide ? 5'000'000'000ULL : 7}.write(bytes, wide);
    const Stamp read = Stamp::read(bytes, wide);
    EXPECT_EQ(read.sent.us(), 12'345'678);
    EXPECT_EQ(read.number, wide ? 5'000'000'000ULL : 7);
  }
  EXPECT_EQ(Stamp::read(std::array<std::byte, 11>{}, false).number, 0U);
}

TEST(Hello, IsKnownInBothOrdersOfBytes) {
  EXPECT_EQ(as_text(hello()), "9876");
  EXPECT_TRUE(is_hello(as_bytes("9876")));
  EXPECT_TRUE(is_hello(as_bytes("6789")));
  EXPECT_FALSE(is_hello(as_bytes("987")));
  EXPECT_FALSE(is_hello(as_bytes("9875")));
  EXPECT_TRUE(is_hello_answer(hello_answer(as_bytes("9876"))));
  EXPECT_FALSE(is_hello_answer(as_bytes("1234")));
}

// Numbers in order of arrival, with the expected losses and reorderings.
TEST(Arrivals, CountsLossAndOrder) {
  struct Case {
    std::vector<std::uint64_t> numbers;
    std::uint64_t lost, out_of_order;
  };
  for (const Case& c :
       {Case{{1, 2, 3}, 0, 0}, Case{{1, 3}, 1, 0}, Case{{1, 3, 2}, 0, 1}, Case{{5}, 4, 0},
        Case{{1, 2, 2}, 0, 1}, Case{{10, 1, 2}, 7, 2}, Case{{0}, 0, 1}}) {
    Arrivals arrivals;
    for (const std::uint64_t number : c.numbers) arrivals.add({{}, number}, {});
    EXPECT_EQ(arrivals.lost(), c.lost);
    EXPECT_EQ(arrivals.out_of_order(), c.out_of_order);
  }
}

TEST(Arrivals, SmoothesJitterBySixteen) {
  Arrivals arrivals;
  arrivals.add({milliseconds(0), 1}, milliseconds(500));  // another clock: only differences count
  arrivals.add({milliseconds(10), 2}, milliseconds(526));
  EXPECT_EQ(arrivals.jitter().us(), 1000);
  arrivals.add({milliseconds(20), 3}, milliseconds(536));
  EXPECT_EQ(arrivals.jitter().us(), 937);
}

TEST(Arrivals, AfterARestartOnlyWhatComesCounts) {
  Arrivals arrivals;
  for (const std::uint64_t number : {1, 5, 9}) arrivals.add({{}, number}, {});
  arrivals.restart();
  arrivals.add({{}, 10}, {});
  arrivals.add({{}, 12}, {});
  EXPECT_EQ(arrivals.highest(), 3U);
  EXPECT_EQ(arrivals.lost(), 1U);
}

TEST(Pace, KeepsItsRate) {
  const Instant start{5'000'000'000};
  Pace pace(8'000'000, start);  // a million bytes per second
  std::uint64_t sent = 0;
  Instant now = start;
  while (now < start + seconds(3)) {
    const std::size_t blocks = pace.ready(now, 1000, 10);
    if (blocks == 0) {
      ASSERT_GT(pace.next(), now);
      now = pace.next();
      continue;
    }
    pace.sent(blocks * 1000);
    sent += blocks * 1000;
  }
  EXPECT_NEAR(static_cast<double>(sent), 3'000'000.0, 2000.0);
}

TEST(Pace, DoesNotCatchUpOnWhatWasLongAgo) {
  Pace pace(8'000'000, Instant{});
  const Instant late{10'000'000'000};
  std::uint64_t burst = 0;
  while (const std::size_t blocks = pace.ready(late, 1000, 64)) {
    pace.sent(blocks * 1000);
    burst += blocks * 1000;
  }
  EXPECT_LE(burst, 102'000U);
}

TEST(Pace, WithoutARateIsAlwaysReady) {
  Pace pace(0, Instant{});
  pace.sent(1'000'000'000'000);
  EXPECT_EQ(pace.ready(Instant{}, 1, 17), 17U);
}

TEST(Test, KnowsWhoSendsAndWhenItIsComplete) {
  const Parameters both{.bidirectional = true, .bytes = 100, .parallel = 2, .length = 10};
  iperf::Test server(both, true);
  iperf::Test client(both, false);
  ASSERT_EQ(client.streams().size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(client.stream(i).sends, i < 2);
    EXPECT_EQ(server.stream(i).sends, i >= 2);
  }
  EXPECT_EQ(client.stream(0).id, 1U);
  EXPECT_EQ(client.stream(1).id, 3U);
  EXPECT_EQ(client.stream(3).id, 5U);
  client.stream(0).count(60);
  EXPECT_EQ(client.left_to_send(), 40U);
  EXPECT_FALSE(client.complete());
  client.stream(1).count(40);
  EXPECT_TRUE(client.complete());

  iperf::Test blocks({.blocks = 3, .length = 10}, false);
  EXPECT_EQ(blocks.left_to_send(), 30U);
  iperf::Test timed({.length = 10}, false);
  timed.stream(0).count(1 << 20);
  EXPECT_FALSE(timed.complete());
}

TEST(Test, WritesVolumesAndSpeedsWithThreeDigits) {
  struct Case {
    std::uint64_t bytes;
    std::string_view volume, speed;
  };
  for (const Case& c :
       {Case{0, "0.00 Bytes", "0.00 bits/s"}, Case{999, "999 Bytes", "7.99 Kbits/s"},
        Case{1024, "1.00 KBytes", "8.19 Kbits/s"}, Case{13'107'200, "12.5 MBytes", "105 Mbits/s"},
        Case{1'342'177'280, "1.25 GBytes", "10.7 Gbits/s"}}) {
    Text<64> volume(std::in_place, Volume{c.bytes});
    Text<64> speed(std::in_place, Speed{c.bytes, seconds(1)});
    EXPECT_EQ(volume.view(), c.volume);
    EXPECT_EQ(speed.view(), c.speed);
  }
}

TEST(Test, SummarisesInOneLine) {
  iperf::Test test({.udp = true, .parallel = 1, .length = 1000}, true);
  test.begin(Instant{});
  test.stream(0).count(1 << 20);
  test.stream(0).arrivals.add({{}, 3}, {});
  Text<200> line;
  write_summary(line, test, Instant{} + seconds(2));
  EXPECT_EQ(line.view(),
            "UDP, 1 stream, received 1.00 MBytes in 2.00 s, 4.19 Mbits/s, lost 2 of 3");
}

TEST(Quantity, TakesUnits) {
  Size size;
  Rate rate;
  EXPECT_TRUE(parse_parameter("64", size) && size.bytes == 64);
  EXPECT_TRUE(parse_parameter("128K", size) && size.bytes == 131072);
  EXPECT_TRUE(parse_parameter("2g", size) && size.bytes == 2ULL << 30);
  EXPECT_TRUE(parse_parameter("1.5M", rate) == false);
  EXPECT_TRUE(parse_parameter("10M", rate) && rate.bits == 10'000'000);
  for (const std::string_view wrong : {"", "K", "-1", "1X", "1KK", "9999999999999999T"}) {
    EXPECT_FALSE(parse_parameter(wrong, size)) << wrong;
  }
}

// A complete report of a test with two streams; at its maximum size, it must be valid JSON.
std::string whole_report(bool udp, bool json, std::size_t parallel) {
  const Parameters parameters{.udp = udp,
                              .bidirectional = true,
                              .parallel = static_cast<std::uint32_t>(parallel),
                              .length = 1000};
  iperf::Test test(parameters, false);
  Report report(parameters, json);
  report.connected_to({IpAddress(Ipv4Address::of(192, 0, 2, 1)), 5201});
  std::string out(report.begin());
  for (int i = 1; i <= 2; ++i) {
    for (Stream& stream : test.streams()) stream.count(1'000'000'000'000);
    out += report.interval(test, Instant{} + seconds(i));
  }
  const Results results = test.results(Instant{} + seconds(2), true, 500);
  out += report.end(test, {results, results});
  return out;
}

TEST(Report, IsOneJsonObject) {
  for (const bool udp : {false, true}) {
    for (const std::size_t parallel : {1U, 128U}) {
      const std::string text = whole_report(udp, true, parallel);
      json::Reader in(text);
      EXPECT_TRUE(in.skip() && in.next() == json::Token::kEnd)
          << in.position() << " of " << text.substr(0, 2000);
    }
  }
}

TEST(Report, AFailedTestIsOneJsonObject) {
  for (const bool begun : {false, true}) {
    Report report({.length = 1000}, true);
    std::string text;
    if (begun) {
      report.connected_to({IpAddress(Ipv4Address::of(192, 0, 2, 1)), 5201});
      text += report.begin();
    }
    text += report.failed(Errc::kBusy);
    json::Reader in(text);
    EXPECT_TRUE(in.skip() && in.next() == json::Token::kEnd) << text;
    EXPECT_TRUE(text.contains(R"("error":"iperf: the server is busy with another test")")) << text;
  }
}

TEST(Report, TellsSentAndReceivedOfEachStream) {
  const std::string text = whole_report(true, false, 1);
  EXPECT_TRUE(text.contains("[  1]  0.00-1.00  s  931 GBytes  8.00 Tbits/s\n")) << text;
  EXPECT_TRUE(text.contains(
      "[  3]  0.00-2.00  s  1.82 TBytes  8.00 Tbits/s  receiver  lost 0 of 0, jitter 0"))
      << text;
}

}  // namespace
}  // namespace fata::iperf
