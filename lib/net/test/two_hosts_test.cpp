// Two engines joined back to back.
#include "frames.hpp"

namespace fata::net {
namespace {

TEST(TwoHosts, FindEachOtherAndExchangeDatagrams) {
  Recorder a({mac(1), {ip(1), 24}}, 4000);
  Recorder b({mac(2), {ip(2), 24}}, 7);
  a.send(ip(2), "question");
  exchange(a, b);
  ASSERT_EQ(b.delivered.size(), 1u);
  EXPECT_EQ(b.delivered[0].text, "question");
  EXPECT_EQ(b.delivered[0].from, (Endpoint{ip(1), 4000}));
  b.sent.clear();
  a.sent.clear();
  b.send(ip(1), "answer", 4000);
  EXPECT_EQ(b.sent.size(), 1u) << "who was asked knows the way back";
  exchange(a, b);
  ASSERT_EQ(a.delivered.size(), 1u);
  EXPECT_EQ(a.delivered[0].text, "answer");
  EXPECT_EQ(a.arp_cache().size(), 1u);
  EXPECT_EQ(b.arp_cache().size(), 1u);
}

TEST(TwoHosts, AnErrorIsNotAnsweredWithAnError) {
  Recorder a({mac(1), {ip(1), 24}});
  Recorder b({mac(2), {ip(2), 24}});
  a.send(ip(2), "anybody?", 99);
  exchange(a, b);
  EXPECT_EQ(a.count("icmp_errors_heard"), 1u);
  EXPECT_EQ(a.sent.size(), 2u);  // request, datagram
  EXPECT_EQ(b.sent.size(), 2u);  // reply, error
}

}  // namespace
}  // namespace fata::net
