// The driver uses nothing beyond its concepts, and models its own.
#include <gtest/gtest.h>

#include "fata/resolver/resolver.hpp"
#include "fata/sig/archetype.hpp"

namespace fata::resolver {

template class Resolver<sig::archetype::Udp, sig::archetype::Tcp, sig::archetype::Names,
                        sig::archetype::Random>;
static_assert(sig::Resolver<Resolver<sig::archetype::Udp, sig::archetype::Tcp,
                                     sig::archetype::Names, sig::archetype::Random>>);

namespace {

std::string read(std::string_view text) {
  NameServers servers;
  if (!parse_parameter(text, servers)) return "wrong";
  std::string out;
  for (const Endpoint& each : servers.all())
    out += (out.empty() ? "" : " ") + std::string(Text<64>(std::in_place, each).view());
  return out;
}

TEST(DnsServers, AreAddressesWithOrWithoutAPort) {
  EXPECT_EQ(read("network"), "");
  EXPECT_EQ(read("127.0.0.1:5353"), "127.0.0.1:5353");
  EXPECT_EQ(read("192.0.2.1,2001:db8::1,[2001:db8::2],[2001:db8::3]:54"),
            "192.0.2.1:53 [2001:db8::1]:53 [2001:db8::2]:53 [2001:db8::3]:54");
  for (const std::string_view text :
       {"", "a", "192.0.2.1:0", "192.0.2.1:", "192.0.2.1:65536", "[2001:db8::1", "[192.0.2.1]:53",
        "[2001:db8::1]53", "192.0.2.1,",
        "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
        "1.1.1.1,1.1.1.1"}) {
    EXPECT_EQ(read(text), "wrong") << text;
  }
}

TEST(SearchList, IsReadFromTextAndSkipsWhatIsNoName) {
  std::array<dns::Name, 3> names;
  EXPECT_EQ(read_domains("example.org a..b . example.net. c d", names), 3U);
  EXPECT_TRUE(dns::same_name(names[1], dns::Name::from_text("example.net.").value()));
  EXPECT_EQ(read_domains("", names), 0U);
}

}  // namespace
}  // namespace fata::resolver
