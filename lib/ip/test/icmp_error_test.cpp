// ICMP errors that a host receives about packets that it sent.
#include "recorder.hpp"

namespace fata::ip {
namespace {

// An ICMP error from host 2 about a packet that host 1 sent in this frame.
Frame error_about(const Frame& sent, std::uint8_t type, std::uint8_t code,
                  std::uint32_t unused = 0) {
  Frame rest(4);
  store_be(MutableBytes(rest), unused);
  rest.insert(rest.end(), sent.begin() + 14, sent.begin() + 14 + 28);
  return ip_frame({.protocol = wire::ipv4::kIcmp}, icmp_message(type, code, rest));
}

TEST(Host, GivesAnErrorThatItHearsToThePortThatCausedIt) {
  using enum udp::SocketErrc;
  struct Case {
    std::uint8_t type, code;
    udp::SocketErrc what;
  };
  for (const Case& each : {Case{3, 3, kPortUnreachable},
                           {3, 2, kPortUnreachable},
                           {3, 1, kUnreachable},
                           {3, 13, kUnreachable},
                           {11, 0, kTimeExceeded},
                           {12, 0, kParameterProblem}}) {
    Recorder recorder;
    recorder.teach(2);
    recorder.send(v4_address(2), "anybody?", 99);
    recorder.receive(error_about(recorder.sent.at(0), each.type, each.code));
    ASSERT_EQ(recorder.complaints.size(), 1u);
    EXPECT_EQ(recorder.complaints[0].first, each.what);
    EXPECT_EQ(recorder.complaints[0].second, (Endpoint{v4_address(2), 99}));
    EXPECT_EQ(recorder.count("icmp_errors_heard"), 1u);
  }
}

TEST(Host, RefusesAnErrorAboutWhatItNeverSent) {
  Recorder recorder;
  recorder.teach(2);
  recorder.send(v4_address(2), "anybody?", 99);
  const Frame sent = recorder.sent.at(0);
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    Frame copy = sent;
    copy[at] = std::byte{value};
    return error_about(copy, 3, 3);
  };
  for (const Frame& wrong :
       {changed(14, 0x65), changed(14, 0x4f), changed(14 + 15, 9) /* source */,
        changed(14 + 6, 0x01) /* fragment */, changed(14 + 9, 99) /* protocol */,
        changed(14 + 21, 1) /* source port */,
        ip_frame({.protocol = wire::ipv4::kIcmp}, icmp_message(3, 3, Frame(27)))}) {
    recorder.receive(wrong);
  }
  EXPECT_EQ(recorder.count("icmp_errors_refused") + recorder.count("udp_errors_refused"), 7u);
  EXPECT_TRUE(recorder.complaints.empty());
}

TEST(Host, LearnsFromTooBigWhatAPathCarriesAndForgetsItInTime) {
  struct Case {
    std::uint32_t said;
    std::size_t learned;
  };
  for (const Case& each :
       {Case{1400, 1400}, {0, 1492}, {551, 552}, {30, 552}, {1500, 1500}, {9000, 1500}}) {
    Recorder recorder;
    recorder.teach(2);
    recorder.send(v4_address(2), std::string(1472, 'x'));
    recorder.receive(error_about(recorder.sent.at(0), 3, 4, each.said));
    EXPECT_EQ(recorder.host.path(v4_address(2), {})->mtu, each.learned) << each.said;
    EXPECT_TRUE(recorder.complaints.empty());
    recorder.pass(PathMtuCache::kAge + seconds(1));
    EXPECT_EQ(recorder.host.path(v4_address(2), {})->mtu, 1500u);
  }
}

}  // namespace
}  // namespace fata::ip
