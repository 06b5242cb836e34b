#include "fata/flow/crowd.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace fata::flow {
namespace {

struct Connection final : Crowd::Member {
  Connection(Crowd& crowd, const IpAddress& client, std::string name, std::string& ended)
      : Member(crowd, client), name_(std::move(name)), ended_(&ended) {}
  void end() noexcept override { *ended_ += name_ + " "; }
  std::string name_;
  std::string* ended_;
};

IpAddress v4(std::uint8_t network, std::uint8_t last) {
  return Ipv4Address::of(10, 0, network, last);
}
IpAddress v6(std::uint16_t network, std::uint16_t last) {
  return IpAddress::of(0x2001, 0xdb8, 0, network, 0, 0, 0, last);
}

TEST(Crowd, TheLongestIdleOfTheClientWithTheMostIsEnded) {
  std::string ended;
  Crowd crowd(10);
  Connection one(crowd, v4(1, 1), "one", ended);
  Connection first(crowd, v4(2, 1), "first", ended), second(crowd, v4(2, 1), "second", ended),
      third(crowd, v4(2, 1), "third", ended);
  crowd.touch(first);
  EXPECT_TRUE(crowd.end_one());
  EXPECT_TRUE(crowd.end_one());
  EXPECT_EQ(ended, "second third ");
  EXPECT_EQ(crowd.size(), 2U);
}

TEST(Crowd, ANetworkCountsAsOneClientFirst) {
  for (const bool is_v6 : {false, true}) {
    const auto address = [&](unsigned network, unsigned last) {
      // Two /64 of one /56 count as one network.
      return is_v6 ? v6(static_cast<std::uint16_t>(network << 8 | last), 1)
                   : v4(static_cast<std::uint8_t>(network), static_cast<std::uint8_t>(last));
    };
    std::string ended;
    Crowd crowd(10);
    Connection a(crowd, address(1, 1), "a", ended), b(crowd, address(1, 1), "b", ended);
    Connection c(crowd, address(2, 1), "c", ended), d(crowd, address(2, 2), "d", ended),
        e(crowd, address(2, 3), "e", ended);
    EXPECT_TRUE(crowd.end_one());
    EXPECT_EQ(ended, "c ") << "of three addresses with one connection each the longest idle";
  }
}

TEST(Crowd, AnHonestClientInTheNetworkOfTheCrowdStays) {
  std::string ended;
  Crowd crowd(100);
  Connection honest(crowd, v4(1, 1), "honest", ended);
  std::vector<std::unique_ptr<Connection>> others;
  for (int i = 0; i < 98; ++i)
    others.push_back(std::make_unique<Connection>(
        crowd, v4(1, static_cast<std::uint8_t>(2 + i % 16)), "x", ended));
  for (int i = 0; i < 80; ++i) EXPECT_TRUE(crowd.end_one());
  EXPECT_EQ(ended.find("honest"), std::string::npos);
}

TEST(Crowd, CountsStayRightHoweverConnectionsComeAndGo) {
  std::mt19937 random(1);
  std::string ended;
  Crowd crowd(50);
  std::vector<std::unique_ptr<Connection>> connections;
  for (int turn = 0; turn < 20'000; ++turn) {
    const unsigned what = random() % 4;
    if (what < 2 && crowd.size() < 50) {
      const IpAddress client =
          v4(static_cast<std::uint8_t>(random() % 7), static_cast<std::uint8_t>(random() % 9));
      connections.push_back(std::make_unique<Connection>(crowd, client, "x", ended));
    } else if (what == 2 && !connections.empty()) {
      connections.erase(connections.begin() + static_cast<long>(random() % connections.size()));
    } else if (what == 3) {
      const std::size_t before = crowd.size();
      EXPECT_EQ(crowd.end_one(), before != 0);
      EXPECT_EQ(crowd.size(), before == 0 ? 0 : before - 1);
    }
  }
  connections.clear();
  EXPECT_EQ(crowd.size(), 0U);
  EXPECT_FALSE(crowd.end_one());
}

}  // namespace
}  // namespace fata::flow
