// TCP on every link and path: the connection opens, data flows both ways, no packet is too long,
// and no data is lost.
#include "fata/sim/effort.hpp"
#include "path.hpp"

namespace fata::tcp::test {
namespace {

enum Options : unsigned { kPlain, kAll, kEcn, kFastOpen, kKinds };

Config config_of(unsigned kind) {
  Config config;
  config.timestamps = config.sack = config.window_scaling = kind != kPlain;
  config.ecn_ask = kind == kEcn;
  config.flow.fast_open = config.fast_open_server = kind == kFastOpen;
  config.memory = 4 << 20;
  config.flow.no_delay = true;
  return config;
}

std::string name_of(const PathOptions& how, unsigned kind) {
  const std::array<std::string_view, kKinds> kinds{"no options", "all options", "ECN", "Fast Open"};
  return std::string(how.v6 ? "IPv6" : "IPv4") + ", links of " + std::to_string(how.link[0]) +
         " and " + std::to_string(how.link[1]) + ", a router of " + std::to_string(how.router) +
         ", " + std::string(kinds[kind]) + (how.offload ? ", offloads" : "") +
         (how.mss ? ", MSS made " + std::to_string(*how.mss) : "");
}

std::size_t headers(const PathOptions& how) { return how.v6 ? 60 : 40; }

// Holds on every path.
void expect_sound(Exchange& made, const std::string& name) {
  EXPECT_TRUE(made.done) << name << ": " << made.left.received.size() << " and "
                         << made.right.received.size() << " bytes arrived";
  EXPECT_TRUE(made.right_text) << name;
  EXPECT_EQ(made.path.fault, "") << name;
  EXPECT_EQ(made.left_over, 0U) << name;
}

// On a path whose limits are all known from its links, everything fits at once.
void expect_fits(const PathOptions& how, unsigned kind) {
  const std::size_t link = std::min(how.link[0], how.link[1]);
  Exchange made(how, config_of(kind), std::min<std::size_t>(4 * link, 60'000) + 777,
                kind == kFastOpen);
  const std::string name = name_of(how, kind);
  expect_sound(made, name);
  EXPECT_EQ(made.path.dropped, 0U) << name;
  EXPECT_EQ(made.retransmitted, 0U) << name;
  EXPECT_LT(made.took, milliseconds(900)) << name;
  const std::size_t most = std::max<std::size_t>(link - headers(how), kMinPeerMss);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(made.path.offered[i], how.link[i] - headers(how)) << name;
    if (how.link[i] == how.link[1 - i])
      EXPECT_LE(made.path.longest_data[i], how.link[i] - headers(how)) << name;
    EXPECT_LE(made.path.longest_data[i], most) << name;
  }
  EXPECT_EQ(made.fast_opens, kind == kFastOpen ? 1U : 0U) << name;
}

constexpr std::array<std::size_t, 23> kLarge{
    1501,   1502,   2003,   2004,   2020,   2048,   4000,   4096,   4352,   8192,   8999,  9000,
    16'383, 16'384, 17'914, 32'767, 32'768, 40'000, 65'430, 65'435, 65'436, 65'520, 65'521};

// Every size in a long run; otherwise every seventh, which meets every kind of connection.
const std::size_t kStep = sim::effort(7, 1);

TEST(TcpMtu, EveryLinkOfIpv4CarriesAConnection) {
  for (std::size_t mtu = 68; mtu <= 1500; mtu += kStep) {
    expect_fits({.link = {mtu, mtu}, .offload = mtu % 3 == 0}, kAll);
    expect_fits({.link = {mtu, mtu}, .offload = mtu % 5 == 0}, mtu % 3 == 0   ? kPlain
                                                               : mtu % 3 == 1 ? kEcn
                                                                              : kFastOpen);
    if (HasFailure()) return;
  }
}

TEST(TcpMtu, SoDoLargeOnesOfBothFamilies) {
  for (const bool v6 : {false, true}) {
    for (const std::size_t mtu : kLarge) {
      for (unsigned kind = 0; kind < kKinds; ++kind) {
        expect_fits({.v6 = v6, .link = {mtu, mtu}, .offload = (mtu + kind) % 2 == 0}, kind);
        if (HasFailure()) return;
      }
    }
  }
}

TEST(TcpMtu, EveryLinkOfIpv6CarriesAConnection) {
  for (std::size_t mtu = 1280; mtu <= 65'521; mtu += mtu < 1500 ? 7 : 997) {
    expect_fits({.v6 = true, .link = {mtu, mtu}, .offload = mtu % 2 == 0},
                static_cast<unsigned>(mtu % kKinds));
    if (HasFailure()) return;
  }
}

// Each host sends segments that fit the other's link, known only from the MSS.
TEST(TcpMtu, LinksOfDifferentSizesMeet) {
  for (const bool v6 : {false, true}) {
    for (const auto& [a, b] : {std::pair{128, 1500},
                               {300, 128},
                               {576, 65'535},
                               {1280, 65'521},
                               {1500, 9000},
                               {9000, 1280}}) {
      if (v6 && std::min(a, b) < 1280) continue;
      for (unsigned kind = 0; kind < kKinds; ++kind) {
        expect_fits({.v6 = v6, .link = {static_cast<std::size_t>(a), static_cast<std::size_t>(b)}},
                    kind);
        if (HasFailure()) return;
      }
    }
  }
}

// A device with buffers below its link's MTU sends shorter segments, not none.
TEST(TcpMtu, SmallBuffersMakeShorterSegments) {
  for (const bool offload : {false, true}) {
    for (const bool v6 : {false, true}) {
      const PathOptions how{.v6 = v6, .link = {9000, 9000}, .offload = offload, .buffers = 2048};
      Config config = config_of(kAll);
      config.black_hole_detection = false;
      Exchange made(how, config, 1500);
      expect_sound(made, name_of(how, kAll));
      EXPECT_EQ(made.retransmitted, 0U);
    }
  }
}

// RFC 1191: the router between the links reports its MTU.
TEST(TcpMtu, ANarrowPathThatIsReportedCostsARoundTrip) {
  for (std::size_t mtu = 68; mtu <= 1500; mtu += kStep) {
    const PathOptions how{.router = mtu, .offload = mtu % 2 == 0};
    const unsigned kind = static_cast<unsigned>(mtu % kKinds);
    Exchange made(how, config_of(kind), 5000, kind == kFastOpen);
    const std::string name = name_of(how, kind);
    expect_sound(made, name);
    EXPECT_LT(made.took, seconds(2)) << name;
    EXPECT_LE(made.path.dropped, 20U) << name;
    EXPECT_EQ(made.path.offered[0], 1460U) << name;
    EXPECT_EQ(made.path.offered[1], 1460U) << name;
    if (HasFailure()) return;
  }
  for (std::size_t mtu = 1280; mtu <= 65'521; mtu += mtu < 1500 ? 11 : 3989) {
    const PathOptions how{.v6 = true, .link = {65'521, 65'521}, .router = mtu};
    Exchange made(how, config_of(kAll), 100'000);
    expect_sound(made, name_of(how, kAll));
    EXPECT_LT(made.took, seconds(2)) << name_of(how, kAll);
    if (HasFailure()) return;
  }
}

// RFC 4821: the router reports nothing.
TEST(TcpMtu, ANarrowPathThatIsSilentIsNoBlackHole) {
  for (const std::size_t mtu :
       {68, 69, 100, 127, 128, 129, 296, 400, 551, 552, 575, 576, 577, 1006, 1280, 1492}) {
    const PathOptions how{.router = mtu, .icmp = false};
    for (const unsigned kind : {kPlain, kAll}) {
      Exchange made(how, config_of(kind), 20'000);
      expect_sound(made, name_of(how, kind));
      EXPECT_LT(made.took, seconds(300)) << name_of(how, kind);
      if (HasFailure()) return;
    }
  }
}

// RFC 9293 section 3.7.1: the peer's MSS, from absent to the option's maximum.
TEST(TcpMtu, EveryMssOfAPeerIsKept) {
  for (const bool v6 : {false, true}) {
    std::vector<std::uint16_t> all{0,      1,      2,      12,     27,     28,    29,   40,
                                   87,     88,     89,     215,    216,    217,   535,  536,
                                   1219,   1220,   1439,   1440,   1459,   1460,  1461, 8960,
                                   32'767, 32'768, 65'475, 65'495, 65'534, 65'535};
    for (std::uint16_t mss = 30; mss < 1500; mss += 13) all.push_back(mss);
    for (const std::uint16_t mss : all) {
      const unsigned kind = mss % 4;
      const PathOptions how{.v6 = v6, .offload = mss % 2 == 0, .mss = mss};
      Exchange made(how, config_of(kind), 3000, kind == kFastOpen);
      const std::string name = name_of(how, kind);
      expect_sound(made, name);
      EXPECT_EQ(made.retransmitted, 0U) << name;
      EXPECT_EQ(made.path.dropped, 0U) << name;
      const std::size_t asked = mss == 0 ? (v6 ? 1220 : 536) : std::max(mss, kMinPeerMss);
      const std::size_t most = std::min(asked, 1500 - headers(how));
      for (const std::size_t longest : made.path.longest_data) EXPECT_EQ(longest, most) << name;
      if (HasFailure()) return;
    }
  }
}

// Segments to a peer that requests less than the minimum may be fragmented on the path.
TEST(TcpMtu, APeerBehindATinyLinkIsReached) {
  for (std::size_t mtu = 68; mtu < 140; ++mtu) {
    for (unsigned kind = 0; kind < 2 * kKinds; ++kind) {
      PathOptions how{.link = {1500, mtu}, .icmp = false};
      if (kind >= kKinds) std::swap(how.link[0], how.link[1]);
      Exchange made(how, config_of(kind % kKinds), 2000, kind % kKinds == kFastOpen);
      expect_sound(made, name_of(how, kind % kKinds));
      EXPECT_EQ(made.path.dropped, 0U) << name_of(how, kind % kKinds);
      EXPECT_LT(made.took, seconds(2)) << name_of(how, kind % kKinds);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace fata::tcp::test
