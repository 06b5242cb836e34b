#include "fata/base/parameters.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fata {
namespace {

struct Image {
  std::uint16_t port = 0;
  std::uint32_t limit = 0;
  std::string_view zone;
  bool verbose = false;
  Duration every;
  log::Rules rules;
  Ipv4Cidr ipv4;
  std::optional<Ipv4Address> gateway;
  ParameterList<std::uint16_t, 2> also;
  std::vector<Parameter> table{Parameter("port", "UDP port to serve", "1053", port),
                               Parameter("limit", "most clients", "100", limit),
                               Parameter("zone", "zone file", "example.org.zone", zone),
                               Parameter("verbose", "say more", "false", verbose),
                               Parameter("every", "time between two", "1s", every),
                               Parameter("log", "what to log", "*:info", rules),
                               Parameter("ipv4", "address", "10.0.2.15/24", ipv4),
                               Parameter("ipv4-gateway", "gateway", std::nullopt, gateway),
                               Parameter("also", "further ports", std::nullopt, also)};

  // Returns "ok", "help", or the error line.
  std::string read(std::vector<std::string_view> words) {
    const auto outcome = parse_parameters(table, words);
    if (outcome) return *outcome ? "ok" : "help";
    return std::string(Text<512>(std::in_place, outcome.error()).view());
  }
};

TEST(Parameters, TakeTheirDefaultsWhenNothingIsGiven) {
  Image image;
  EXPECT_EQ(image.read({}), "ok");
  EXPECT_EQ(image.port, 1053);
  EXPECT_EQ(image.zone, "example.org.zone");
  EXPECT_EQ(image.every, seconds(1));
  EXPECT_EQ(image.rules.level_of("dns"), log::Level::kInfo);
  EXPECT_EQ(image.ipv4.prefix, 24);
  EXPECT_FALSE(image.gateway);
  EXPECT_TRUE(image.also.items().empty());
}

TEST(Parameters, AreGivenWithEqualsOrAsTheNextWord) {
  Image image;
  EXPECT_EQ(image.read({"--port=53", "--limit", "7", "--zone", "a b", "--verbose",
                        "--ipv4-gateway=10.0.2.2"}),
            "ok");
  EXPECT_EQ(image.port, 53);
  EXPECT_EQ(image.limit, 7U);
  EXPECT_EQ(image.zone, "a b");
  EXPECT_TRUE(image.verbose);
  ASSERT_TRUE(image.gateway);
  EXPECT_EQ(*image.gateway, Ipv4Address::of(10, 0, 2, 2));
  EXPECT_EQ(image.read({"--no-verbose"}), "ok");
  EXPECT_FALSE(image.verbose);
  EXPECT_EQ(image.read({"--zone="}), "ok");
  EXPECT_EQ(image.zone, "");
}

TEST(Parameters, ListsCollectUpToTheirBound) {
  Image image;
  EXPECT_EQ(image.read({"--also=1", "--also=2"}), "ok");
  EXPECT_EQ(std::vector(image.also.items().begin(), image.also.items().end()),
            (std::vector<std::uint16_t>{1, 2}));
  Image again;
  EXPECT_EQ(again.read({"--also=1", "--also=2", "--also=3"}),
            "--also was given more than 2 times; leave one out");
}

TEST(Parameters, AskForHelpWhereverTheWordStands) {
  EXPECT_EQ(Image().read({"--port=1", "--help"}), "help");
}

TEST(Parameters, EachMistakeHasOneLineWithTheMend) {
  const struct {
    std::vector<std::string_view> words;
    std::string_view line;
  } kCases[] = {
      {{"--prot=53"}, "unknown parameter --prot; did you mean --port?"},
      {{"--colour=red"}, "unknown parameter --colour; --help lists them"},
      {{"--halp"}, "unknown parameter --halp; did you mean --help?"},
      {{"--no-port"}, "unknown parameter --no-port; did you mean --port?"},
      {{"53"}, "'53' is no parameter: write --name=value (--help lists them)"},
      {{"--"}, "'--' is no parameter: write --name=value (--help lists them)"},
      {{"pci=off"}, "'pci=off' is no parameter: write --name=value (--help lists them)"},
      {{"prot=53"}, "'prot=53' is no parameter; did you mean --port?"},
      {{"--port"}, "--port needs a number from 0 to 65535: write --port=..."},
      {{"--port", "--zone=x"}, "--port needs a number from 0 to 65535: write --port=..."},
      {{"--port=65536"}, "--port takes a number from 0 to 65535, not '65536'"},
      {{"--port", "x"}, "--port takes a number from 0 to 65535, not 'x'"},
      {{"--limit=4294967296"}, "--limit takes a number from 0 to 4294967295, not '4294967296'"},
      {{"--verbose=maybe"}, "--verbose takes true or false, not 'maybe'"},
      {{"--every=5"}, "--every takes a time such as 250ms or 1.5s, not '5'"},
      {{"--log=dns:loud"}, "--log takes levels such as info or '*:info,dns:debug', not 'dns:loud'"},
      {{"--ipv4=10.0.2.15"},
       "--ipv4 takes an IPv4 address and prefix length such as 10.0.2.15/24 (dhcp: build with -D "
       "dhcp=true), not '10.0.2.15'"},
      {{"--ipv4-gateway=10.0.2"}, "--ipv4-gateway takes an IPv4 address, not '10.0.2'"},
      {{"--port=1", "--port=2"}, "--port was given more than once; leave one out"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Image().read(c.words), c.line);
}

TEST(Parameters, AWrongDefaultIsBlamedOnTheConfig) {
  Image image;
  image.table[0].default_text = "many";
  EXPECT_EQ(image.read({}),
            "the default of --port in config.cpp, 'many', is not a number from 0 to 65535");
}

TEST(Parameters, DurationsHaveUnitsAndFractions) {
  const struct {
    std::string_view text;
    std::int64_t ns;
  } kCases[] = {{"250ms", 250'000'000},
                {"1.5s", 1'500'000'000},
                {"10m", 600'000'000'000},
                {"2h", 7'200'000'000'000},
                {"3us", 3000},
                {"7ns", 7},
                {"0.25ns", 0}};
  for (const auto& c : kCases) {
    Duration out;
    EXPECT_TRUE(parse_parameter(c.text, out)) << c.text;
    EXPECT_EQ(out.ns, c.ns) << c.text;
  }
  for (const std::string_view wrong :
       {"", "s", "1", "1.s", ".5s", "1.5.5s", "-1s", "1 s", "9223372036854775807h", "1S"}) {
    Duration out;
    EXPECT_FALSE(parse_parameter(wrong, out)) << wrong;
  }
}

std::string help_text;
TEST(Parameters, HelpListsEachWithWhatItTakesAndItsDefault) {
  const Image image;
  help_text.clear();
  write_parameter_help("dns", image.table,
                       [](std::string_view line) { (help_text += line) += '\n'; });
  EXPECT_TRUE(help_text.starts_with(
      "Parameters of dns, as --name=value:\n"
      "  --port          UDP port to serve (a number from 0 to 65535; default 1053)\n"))
      << help_text;
  EXPECT_NE(
      help_text.find("  --also          further ports (a number from 0 to 65535, up to 2 times)\n"),
      help_text.npos);
  EXPECT_TRUE(help_text.ends_with("  --help          print this and end\n"));
}

}  // namespace
}  // namespace fata
