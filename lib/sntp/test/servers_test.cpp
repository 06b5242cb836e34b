#include "fata/sntp/servers.hpp"

#include <gtest/gtest.h>

namespace fata::sntp {
namespace {

TEST(NtpServers, AreNoneOrAddresses) {
  Servers servers;
  EXPECT_TRUE(parse_parameter("none", servers));
  EXPECT_TRUE(servers.all().empty());
  EXPECT_TRUE(parse_parameter("10.0.0.1,2001:db8::1,10.0.0.2", servers));
  const IpAddress expected[] = {Ipv4Address::of(10, 0, 0, 1),
                                IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
                                Ipv4Address::of(10, 0, 0, 2)};
  EXPECT_TRUE(std::ranges::equal(servers.all(), expected));
}

TEST(NtpServers, RefuseWhatIsNoListOfAtMostEight) {
  Servers servers;
  for (const std::string_view text :
       {"", ",", "10.0.0.1,", "10.0.0.1 10.0.0.2", "pool.ntp.org", "10.0.0.1:123", "[2001:db8::1]",
        "2001:db8::1%0", "none,10.0.0.1", "10.0.0.1,10.0.0.1",
        "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9"})
    EXPECT_FALSE(parse_parameter(text, servers)) << text;
  EXPECT_EQ(parameter_expects(servers),
            "none, or up to 8 different addresses, separated by commas, such as "
            "10.0.0.1,2001:db8::1");
}

}  // namespace
}  // namespace fata::sntp
