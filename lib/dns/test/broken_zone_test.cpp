// Zones that could not be loaded, served next to valid ones.
#include <gmock/gmock.h>

#include "decode.hpp"
#include "zones.hpp"

namespace fata::dns::test {
namespace {

Name name(std::string_view text) { return *Name::from_text(text); }
std::string shown(const std::optional<Name>& name) {
  if (!name) return "";
  Text<1100> text(std::in_place, *name);
  return std::string(text.view());
}

constexpr unsigned kServFail = 2, kRefused = 5;

TEST(BrokenZone, ItsNamesAreServfailAndAllOthersAreServed) {
  Engine engine;
  ASSERT_FALSE(engine.load(
      "bad.zone", "$ORIGIN bad.test.\n$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\nwww A 192.0.2.\n"));
  engine.load_failed(name("bad.test."));
  ASSERT_TRUE(engine.load("good", kExampleZone));
  engine.build();
  for (const char* asked : {"bad.test.", "www.bad.test.", "a.b.c.BAD.test.", "*.bad.test."}) {
    for (const unsigned type : {1U, 2U, 6U, 28U, 43U, 46U, 255U}) {
      for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
        const Decoded got =
            resolve(engine, {.name = asked, .type = type, .payload = 1232, .dnssec_ok = type == 28},
                    transport);
        ASSERT_TRUE(got.ok);
        EXPECT_EQ(got.rcode(), kServFail) << asked << " " << type;
        EXPECT_FALSE(got.aa());
        EXPECT_TRUE(got.answer.empty() && got.authority.empty() && got.additional.empty());
      }
    }
  }
  EXPECT_EQ(resolve(engine, {.name = "host1.example."}).rcode(), 0U);
  EXPECT_EQ(resolve(engine, {.name = "test."}).rcode(), kRefused);
  EXPECT_EQ(resolve(engine, {.name = "bad2.test."}).rcode(), kRefused);
  Text<256> line;
  write_counters(line, engine.counters());
  EXPECT_THAT(std::string(line.view()), testing::HasSubstr("servfail 56"));
}

TEST(BrokenZone, InsideAnotherZoneOnlyItsOwnNamesAreServfail) {
  Engine engine;
  engine.load_failed(name("glue.example."));
  ASSERT_TRUE(engine.load("example", kExampleZone));
  engine.build();
  EXPECT_EQ(resolve(engine, {.name = "ns.glue.example."}).rcode(), kServFail);
  EXPECT_EQ(resolve(engine, {.name = "glue.example.", .type = 2}).rcode(), kServFail);
  EXPECT_EQ(resolve(engine, {.name = "glue.example.", .type = 43}).rcode(), 0U)
      << "DS is the upper zone's";
  EXPECT_EQ(resolve(engine, {.name = "host1.example."}).rcode(), 0U);
}

TEST(BrokenZone, OneThatIsLoadedIsServed) {
  for (const bool failed_first : {true, false}) {
    Engine engine;
    if (failed_first) engine.load_failed(name("EXAMPLE."));
    ASSERT_TRUE(engine.load("example", kExampleZone));
    if (!failed_first) engine.load_failed(name("EXAMPLE."));
    engine.build();
    EXPECT_EQ(resolve(engine, {.name = "host1.example."}).answer.size(), 1U);
  }
}

TEST(BrokenZone, ItsNameIsFoundAsFarAsTheTextShowsIt) {
  const Name given = name("given.test.");
  const struct {
    const char* what;
    const char* text;
    const Name* origin;
    const char* found;
  } cases[] = {
      {"the SOA record's owner", "$ORIGIN test.\n$TTL 1\na SOA b c 1 1 1 1 1\nx A bad\n", nullptr,
       "a.test."},
      {"a first $ORIGIN, the SOA record being wrong",
       "$ORIGIN test.\n$ORIGIN a\n$TTL 1\n@ SOA b c x 1 1 1 1\n", nullptr, "test."},
      {"nothing", "$TTL 1\n@ SOA b c 1 1 1 1 1\n", nullptr, ""},
      {"nothing in garbage", "\xff\xfe\x01", nullptr, ""},
      {"what was given", "$TTL 1\n@ SOA b c 1 1 x 1 1\n", &given, "given.test."},
      {"what was given, in the SOA record", "$TTL 1\n@ SOA b c 1 1 1 1 1\nx A bad\n", &given,
       "given.test."},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(shown(zone_name("z", c.text, {.origin = c.origin})), c.found) << c.what;
  }
}

TEST(BrokenZone, AFileForAnotherZoneIsRefused) {
  const Name apex = name("example.org.");
  Engine engine;
  const auto wrong = engine.load("z", kExampleZone, {.origin = &apex, .apex = &apex});
  ASSERT_FALSE(wrong);
  Text<256> line(std::in_place, wrong.error());
  EXPECT_EQ(line.view(), "z:1: the SOA record is not at the name that was given for the zone");
  const std::string_view relative = "$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\nwww A 192.0.2.1\n";
  ASSERT_TRUE(engine.load("z", relative, {.origin = &apex, .apex = &apex}));
  const Name other = name("Example.NET.");
  ASSERT_TRUE(engine.load("z", relative, {.origin = &other, .apex = &other}));
  engine.build();
  EXPECT_THAT(resolve(engine, {.name = "www.example.net."}).answer,
              testing::ElementsAre("www.example.net. 60 A 192.0.2.1"));
}

}  // namespace
}  // namespace fata::dns::test
