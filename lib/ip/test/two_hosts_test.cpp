// Two engines joined back to back.
#include "recorder.hpp"

namespace fata::ip {
namespace {

// Carries frames between two hosts until both are silent.
void exchange(Recorder& a, Recorder& b) {
  std::size_t from_a = 0, from_b = 0;
  while (from_a < a.sent.size() || from_b < b.sent.size()) {
    if (from_a < a.sent.size()) b.receive(Frame(a.sent[from_a++]));
    if (from_b < b.sent.size()) a.receive(Frame(b.sent[from_b++]));
  }
}

TEST(TwoHosts, FindEachOtherAndExchangeDatagrams) {
  Recorder a({mac(1), {v4_address(1), 24}}, 4000);
  Recorder b({mac(2), {v4_address(2), 24}}, 7);
  a.send(v4_address(2), "question");
  exchange(a, b);
  ASSERT_EQ(b.delivered.size(), 1u);
  EXPECT_EQ(b.delivered[0].text, "question");
  EXPECT_EQ(b.delivered[0].from, (Endpoint{v4_address(1), 4000}));
  b.sent.clear();
  a.sent.clear();
  b.send(v4_address(1), "answer", 4000);
  EXPECT_EQ(b.sent.size(), 1u) << "who was asked knows the way back";
  exchange(a, b);
  ASSERT_EQ(a.delivered.size(), 1u);
  EXPECT_EQ(a.delivered[0].text, "answer");
  EXPECT_EQ(a.arp_cache().size(), 1u);
  EXPECT_EQ(b.arp_cache().size(), 1u);
}

TEST(TwoHosts, AnErrorIsNotAnsweredWithAnError) {
  Recorder a({mac(1), {v4_address(1), 24}});
  Recorder b({mac(2), {v4_address(2), 24}});
  a.send(v4_address(2), "anybody?", 99);
  exchange(a, b);
  EXPECT_EQ(a.count("icmp_errors_heard"), 1u);
  EXPECT_EQ(a.sent.size(), 2u);  // request, datagram
  EXPECT_EQ(b.sent.size(), 2u);  // reply, error
}

}  // namespace
}  // namespace fata::ip
