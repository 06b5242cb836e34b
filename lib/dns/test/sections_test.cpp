// The contents of an answer's sections: each record once, every address that belongs there, and
// nothing else.
#include <gmock/gmock.h>

#include "decode.hpp"

namespace fata::dns::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::StartsWith;
using testing::UnorderedElementsAreArray;
using Lines = std::vector<std::string>;

constexpr unsigned kAType = 1, kMxType = 15, kSrvType = 33, kDnameType = 39, kRrsigType = 46,
                   kSvcbType = 64, kHttpsType = 65;

std::string zone(const std::string& rest) {
  return "$ORIGIN t.\n$TTL 60\n@ SOA a.b. c.d. 1 1 1 1 1\n@ NS ns.other.\n" + rest;
}

// `pattern` for each number from 1 to `count`, one per line, with the number in place of every "#".
std::string numbered(unsigned count, const std::string& pattern) {
  std::string out;
  for (unsigned i = 1; i <= count; ++i) {
    std::string line = pattern;
    for (std::size_t at; (at = line.find('#')) != std::string::npos;)
      line.replace(at, 1, std::to_string(i));
    out += line + "\n";
  }
  return out;
}

std::size_t count_of(const Lines& lines, const std::string& type) {
  return static_cast<std::size_t>(std::ranges::count_if(lines, [&](const std::string& line) {
    return line.find(" " + type + " ") != std::string::npos;
  }));
}

TEST(Sections, ADnameThatLeadsBelowItselfStandsInTheAnswerOnce) {
  Engine engine = engine_with({zone("loop DNAME a.loop\n")});
  for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
    const Decoded got = resolve(engine, {.name = "x.loop.t.", .type = kAType}, transport);
    ASSERT_TRUE(got.ok && got.aa());
    EXPECT_FALSE(got.tc()) << "repeats must not fill a small answer";
    EXPECT_THAT(got.answer,
                ElementsAre("loop.t. 60 DNAME a.loop.t.", "x.loop.t. 60 CNAME x.a.loop.t."));
  }
}

TEST(Sections, DnamesThatLeadToEachOtherStandInTheAnswerOnce) {
  Engine engine = engine_with({zone("b DNAME c\nc DNAME d.b\n")});
  const Decoded got = resolve(engine, {.name = "x.b.t.", .type = kAType}, Transport::kTcp);
  EXPECT_THAT(got.answer, Contains("b.t. 60 DNAME c.t.").Times(1));
  EXPECT_THAT(got.answer, Contains("c.t. 60 DNAME d.b.t.").Times(1));
  EXPECT_EQ(count_of(got.answer, "CNAME"), 17U) << "the bound of chains";
}

TEST(Sections, ADnameThatItsOwnChainEndsAtStandsInTheAnswerOnce) {
  Engine engine =
      engine_with({zone("x.b DNAME c\nc DNAME b\n"
                        "x.b RRSIG DNAME 13 2 60 20300101000000 20200101000000 1 t. AAAA\n")});
  const Lines chain{"x.b.t. 60 DNAME c.t.", "x.x.b.t. 60 CNAME x.c.t.", "c.t. 60 DNAME b.t.",
                    "x.c.t. 60 CNAME x.b.t."};
  EXPECT_EQ(resolve(engine, {.name = "x.x.b.t.", .type = kDnameType}).answer, chain);
  const Decoded signatures =
      resolve(engine, {.name = "x.x.b.t.", .type = kRrsigType, .payload = 1232, .dnssec_ok = true});
  EXPECT_EQ(count_of(signatures.answer, "RRSIG"), 1U);
  EXPECT_EQ(count_of(signatures.answer, "DNAME"), 2U);
}

// RFC 9471: all of the glue, or TC.
TEST(Sections, AReferralBringsTheGlueOfEveryNameServer) {
  for (const unsigned servers : {31U, 32U, 33U, 40U, 100U, 1500U}) {
    SCOPED_TRACE(servers);
    Engine engine = engine_with(
        {zone(numbered(servers, "d NS n#.d\nn#.d A 192.0.2.1\nn#.d AAAA 2001:db8::1"))});
    const Decoded got = resolve(engine, {.name = "x.d.t."}, Transport::kTcp);
    ASSERT_TRUE(got.ok);
    EXPECT_EQ(got.authority.size(), servers);
    EXPECT_EQ(got.tc(), servers == 1500) << "that much does not fit 65,535 octets";
    if (!got.tc()) EXPECT_EQ(got.additional.size(), 2 * servers);
    EXPECT_TRUE(resolve(engine, {.name = "x.d.t.", .payload = 1232}).tc());
  }
}

TEST(Sections, GlueThatMustComeGoesBeforeOtherAddresses) {
  Engine engine = engine_with({zone(numbered(40, "d NS a#.e\na#.e A 192.0.2.1") +
                                    numbered(10, "d NS n#.d\nn#.d A 192.0.2.2"))});
  const Decoded got = resolve(engine, {.name = "x.d.t.", .payload = 1232});
  ASSERT_TRUE(got.ok && !got.tc());
  for (unsigned i = 1; i <= 10; ++i) {
    EXPECT_THAT(got.additional, Contains("n" + std::to_string(i) + ".d.t. 60 A 192.0.2.2"));
  }
}

TEST(Sections, EachOfManyTargetsHasItsAddress) {
  const struct {
    unsigned type;
    const char* pattern;
  } cases[] = {
      {kMxType, "@ MX # h#"}, {kSrvType, "_s._tcp SRV # 1 1 h#"}, {kHttpsType, "w HTTPS # h#"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.pattern);
    Engine engine = engine_with({zone(numbered(100, std::string(c.pattern) + "\nh# A 192.0.2.1"))});
    const char* name = c.type == kMxType ? "t." : c.type == kSrvType ? "_s._tcp.t." : "w.t.";
    const Decoded got = resolve(engine, {.name = name, .type = c.type}, Transport::kTcp);
    ASSERT_TRUE(got.ok && !got.tc());
    EXPECT_EQ(got.answer.size(), 100U);
    EXPECT_EQ(got.additional.size(), 100U);
  }
}

TEST(Sections, TheSameTargetInManyRecordsBringsItsAddressOnce) {
  Engine engine = engine_with(
      {zone("h A 192.0.2.1\n" +
            numbered(50, "@ MX # h\n_s._tcp SRV # 1 # H\n@ MX # other.test.\nw SVCB # h"))});
  for (const auto& [name, type] :
       {std::pair{"t.", kMxType}, {"_s._tcp.t.", kSrvType}, {"w.t.", kSvcbType}}) {
    const Decoded got = resolve(engine, {.name = name, .type = type}, Transport::kTcp);
    EXPECT_EQ(got.additional.size(), 1U) << name;
  }
}

struct ServiceCase {
  const char* what;
  const char* records;
  const char* name;
  Lines additional;  // with KIND in place of the service's type
};

// RFC 9460 sections 2.5 and 4.1.
const ServiceCase kServices[] = {
    {"an alias brings its target's service and addresses",
     "b KIND 0 c\nc KIND 1 .\nc A 192.0.2.2\nc AAAA 2001:db8::2\n",
     "b.t.",
     {"c.t. 60 KIND 000100", "c.t. 60 A 192.0.2.2",
      "c.t. 60 AAAA 20010db8000000000000000000000002"}},
    {"a chain of aliases ends in addresses",
     "b KIND 0 c\nc KIND 0 d\nd KIND 1 e\ne A 192.0.2.5\n",
     "b.t.",
     {"c.t. 60 KIND 00000164017400", "d.t. 60 KIND 00010165017400", "e.t. 60 A 192.0.2.5"}},
    {"aliases in a circle",
     "b KIND 0 c\nc KIND 0 b\nb A 192.0.2.1\n",
     "b.t.",
     {"c.t. 60 KIND 00000162017400"}},
    {"an alias of itself", "b KIND 0 b\nb A 192.0.2.1\n", "b.t.", {"b.t. 60 A 192.0.2.1"}},
    {"a service at its owner",
     "c KIND 1 .\nc KIND 2 c\nc A 192.0.2.2\n",
     "c.t.",
     {"c.t. 60 A 192.0.2.2"}},
    {"a service at a name elsewhere",
     "c KIND 1 d\nd KIND 1 .\nd A 192.0.2.4\nc A 192.0.2.3\n",
     "c.t.",
     {"d.t. 60 KIND 000100", "d.t. 60 A 192.0.2.4"}},
    {"an alias to no service at all", "c KIND 0 .\nc A 192.0.2.2\n", "c.t.", {}},
    {"a target in another zone", "c KIND 0 d.other.\n", "c.t.", {}},
    {"a target below a delegation",
     "c KIND 0 x.cut\ncut NS n.other.\nx.cut A 192.0.2.9\nx.cut KIND 1 .\n",
     "c.t.",
     {}},
    {"a wildcard's service is at the name that was asked for",
     "*.w KIND 1 .\n*.w A 192.0.2.7\n",
     "q.w.t.",
     {"q.w.t. 60 A 192.0.2.7"}},
    {"after an alias of another kind",
     "a CNAME b\nb KIND 0 c\nc A 192.0.2.2\n",
     "a.t.",
     {"c.t. 60 A 192.0.2.2"}},
};

std::string with(std::string text, const std::string& type) {
  for (std::size_t at; (at = text.find("KIND")) != std::string::npos;) text.replace(at, 4, type);
  return text;
}

TEST(Sections, ServicesBringTheirTargetsRecords) {
  for (const ServiceCase& c : kServices) {
    SCOPED_TRACE(c.what);
    for (const std::string type : {"SVCB", "HTTPS"}) {
      Engine engine = engine_with({zone(with(c.records, type))});
      const unsigned number = type == "SVCB" ? kSvcbType : kHttpsType;
      Lines want;
      for (const std::string& line : c.additional) want.push_back(with(line, type_name(number)));
      for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
        const Decoded got =
            resolve(engine, {.name = c.name, .type = number, .payload = 1232}, transport);
        ASSERT_TRUE(got.ok && !got.tc());
        EXPECT_EQ(got.rcode(), 0U);
        EXPECT_THAT(got.additional, UnorderedElementsAreArray(want)) << type;
      }
    }
  }
}

TEST(Sections, ChainsOfServicesAreBounded) {
  std::string records = "s0 HTTPS 0 s1\n";
  for (unsigned i = 1; i <= 60; ++i) {
    records += "s" + std::to_string(i) + " HTTPS 0 s" + std::to_string(i + 1) + "\n";
  }
  Engine engine = engine_with({zone(records)});
  const Decoded got = resolve(engine, {.name = "s0.t.", .type = kHttpsType}, Transport::kTcp);
  EXPECT_THAT(got.additional, Contains(StartsWith("s1.t. 60 HTTPS")));
  EXPECT_LE(got.additional.size(), 16U);
}

// RFC 5155 section 7.2.8.
TEST(Sections, ANameOfNothingButNsec3DoesNotExist) {
  const std::string hash = "2t7b4g4vsa5smi47k61mv5bv1a22bojr";
  const std::string nsec3 = " NSEC3 1 0 0 - " + hash + " A\n";
  const std::string signature = " RRSIG NSEC3 13 2 60 20300101000000 20200101000000 1 t. AAAA\n";
  Engine engine =
      engine_with({zone(hash + nsec3 + hash + signature + "deep.ent" + nsec3 + "*.wild" + nsec3 +
                        "*" + nsec3 + "both" + nsec3 + "both A 192.0.2.1\nabove" + nsec3 +
                        "a.above A 192.0.2.2\n*.star" + nsec3 + "*.star A 192.0.2.3\n")});
  constexpr unsigned kNsec3Type = 50, kAny = 255;
  const std::pair<std::string, unsigned> cases[] = {
      {hash + ".t.", 3},       {"x." + hash + ".t.", 3}, {"deep.ent.t.", 3}, {"ent.t.", 3},
      {"*.wild.t.", 3},        {"wild.t.", 3},           {"x.wild.t.", 3},   {"*.t.", 3},
      {"anything.else.t.", 3}, {"both.t.", 0},           {"above.t.", 0},    {"a.above.t.", 0},
      {"x.star.t.", 0}};
  for (const auto& [name, rcode] : cases) {
    SCOPED_TRACE(name);
    for (const unsigned type : {kAType, kNsec3Type, kRrsigType, kAny}) {
      for (const bool dnssec_ok : {false, true}) {
        const Decoded got =
            resolve(engine, {.name = name, .type = type, .payload = 1232, .dnssec_ok = dnssec_ok});
        EXPECT_EQ(got.rcode(), rcode) << type;
        EXPECT_TRUE(got.aa());
        if (rcode == 3) EXPECT_TRUE(got.answer.empty()) << type;
      }
    }
  }
  EXPECT_THAT(resolve(engine, {.name = "x.star.t."}).answer,
              ElementsAre("x.star.t. 60 A 192.0.2.3"));
}

}  // namespace
}  // namespace fata::dns::test
