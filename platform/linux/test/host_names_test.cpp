#include "fata/linux/host_names.hpp"

#include <gtest/gtest.h>

namespace fata::linux {
namespace {

std::string read(std::string_view file) {
  const HostNames names(file);
  std::array<IpAddress, 16> servers;
  const std::size_t count = names.name_servers(servers);
  std::string out;
  for (const IpAddress& each : std::span(servers).first(count))
    out += std::string(Text<64>(std::in_place, each, " ").view());
  Text<200> domains;
  names.write_domain(domains);
  return out + "/" + std::string(domains.view());
}

TEST(HostNames, AreReadFromResolvConf) {
  struct Case {
    std::string_view file, expected;
  };
  for (const Case& c : {
           Case{"", "/"},
           {"nameserver 192.0.2.1\nnameserver\t2001:db8::1 \n", "192.0.2.1 2001:db8::1 /"},
           {"# nameserver 192.0.2.1\n;x\nnameserver nobody\nnameserver\n", "/"},
           {"domain example.org\nsearch  a.test\tb.test\nnameserver 192.0.2.1",
            "192.0.2.1 /a.test b.test"},
           {"search a.test\r\ndomain example.org\r\noptions ndots:2", "/example.org"},
       }) {
    EXPECT_EQ(read(c.file), c.expected) << c.file;
  }
}

TEST(HostNames, HoldABoundOfServers) {
  std::string file;
  for (int i = 0; i < 20; ++i) file += "nameserver 192.0.2." + std::to_string(i) + "\n";
  const HostNames names(file);
  std::array<IpAddress, 16> servers;
  EXPECT_EQ(names.name_servers(servers), HostNames::kMaxServers);
  EXPECT_EQ(names.name_servers(std::span(servers).first(3)), 3U);
}

}  // namespace
}  // namespace fata::linux
