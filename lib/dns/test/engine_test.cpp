#include "fata/dns/engine.hpp"

#include <gmock/gmock.h>

#include "decode.hpp"
#include "zones.hpp"

namespace fata::dns::test {
namespace {

using testing::Contains, testing::ElementsAre, testing::IsEmpty, testing::StartsWith;
using testing::UnorderedElementsAre;
using Lines = std::vector<std::string>;

constexpr unsigned kAType = 1, kNsType = 2, kCnameType = 5, kSoaType = 6, kMxType = 15,
                   kTxtType = 16, kAaaaType = 28, kSrvType = 33, kDsType = 43, kAnyType = 255;

const std::string kSoa =
    "example. 300 SOA ns1.example.com. hostmaster.example.com. 1 7200 3600 1209600 300";

struct Case {
  const char* what;
  const char* name;
  unsigned type;
  unsigned rcode;
  bool aa;
  Lines answer, authority, additional;
};

class EngineAnswers : public testing::Test {
 protected:
  void expect(Engine& engine, const Case& c, Transport transport = Transport::kUdp,
              bool edns = true) {
    SCOPED_TRACE(c.what);
    const Decoded got =
        resolve(engine, {.name = c.name, .type = c.type, .payload = edns ? 1232 : -1}, transport);
    ASSERT_TRUE(got.ok);
    EXPECT_EQ(got.id, 0xabcdU);
    EXPECT_EQ(got.questions, 1U);
    EXPECT_EQ(got.has_opt, edns);
    EXPECT_EQ(got.rcode(), c.rcode);
    EXPECT_EQ(got.aa(), c.aa);
    EXPECT_FALSE(got.tc());
    EXPECT_EQ(got.flags & 0x81f0, 0x8100U) << "QR and RD, but neither RA, AD nor CD";
    EXPECT_THAT(got.answer, testing::UnorderedElementsAreArray(c.answer));
    EXPECT_THAT(got.authority, testing::UnorderedElementsAreArray(c.authority));
    EXPECT_THAT(got.additional, testing::UnorderedElementsAreArray(c.additional));
  }
};

// The questions and answers of RFC 4592 section 2.2.1, and what follows from it.
const Case kWildcards[] = {
    {"synthesized, although MX is not at the name",
     "host3.example.",
     kMxType,
     0,
     true,
     {"host3.example. 3600 MX 10 host1.example."},
     {},
     {"host1.example. 3600 A 192.0.2.1"}},
    {"no data of that type at the wildcard", "host3.example.", kAType, 0, true, {}, {kSoa}, {}},
    {"any depth below the closest encloser",
     "foo.bar.example.",
     kTxtType,
     0,
     true,
     {"foo.bar.example. 3600 TXT \"this is a wildcard\""},
     {},
     {}},
    {"the name exists", "host1.example.", kMxType, 0, true, {}, {kSoa}, {}},
    {"the wildcard's child exists", "sub.*.example.", kMxType, 0, true, {}, {kSoa}, {}},
    {"_telnet does not, but host1 does",
     "_telnet._tcp.host1.example.",
     kSrvType,
     3,
     true,
     {},
     {kSoa},
     {}},
    {"no wildcard passes a delegation",
     "host.subdel.example.",
     kAType,
     0,
     false,
     {},
     {"subdel.example. 3600 NS ns.example.com.", "subdel.example. 3600 NS ns.example.net."},
     {}},
    {"the wildcard's own subdomain is its closest encloser",
     "ghost.*.example.",
     kMxType,
     3,
     true,
     {},
     {kSoa},
     {}},
    {"the wildcard asked for by name",
     "*.example.",
     kTxtType,
     0,
     true,
     {"*.example. 3600 TXT \"this is a wildcard\""},
     {},
     {}},
    {"an empty non-terminal has no data", "_tcp.host1.example.", kAType, 0, true, {}, {kSoa}, {}},
    {"an empty non-terminal blocks the wildcard",
     "host2.example.",
     kTxtType,
     0,
     true,
     {},
     {kSoa},
     {}},
    {"a CNAME at a wildcard",
     "x.wc.deep.example.",
     kAType,
     0,
     true,
     {"x.wc.deep.example. 3600 CNAME host1.example.", "host1.example. 3600 A 192.0.2.1"},
     {},
     {}},
    {"an empty non-terminal above a wildcard", "wc.deep.example.", kAType, 0, true, {}, {kSoa}, {}},
};

TEST_F(EngineAnswers, WildcardsAsInRfc4592) {
  Engine engine = engine_with({kExampleZone});
  for (const Case& c : kWildcards) expect(engine, c);
}

const Case kPlain[] = {
    {"an address", "host1.example.", kAType, 0, true, {"host1.example. 3600 A 192.0.2.1"}, {}, {}},
    {"in any case", "HOST1.Example.", kAType, 0, true, {"host1.example. 3600 A 192.0.2.1"}, {}, {}},
    {"the SOA itself keeps its TTL",
     "example.",
     kSoaType,
     0,
     true,
     {"example. 3600 SOA ns1.example.com. hostmaster.example.com. 1 7200 3600 1209600 300"},
     {},
     {}},
    {"name servers with the addresses that the zone knows",
     "example.",
     kNsType,
     0,
     true,
     {"example. 3600 NS ns1.example.com.", "example. 3600 NS ns.example."},
     {},
     {"ns.example. 3600 A 192.0.2.53", "ns.example. 3600 AAAA 20010db8000000000000000000000053"}},
    {"mail with an address",
     "example.",
     kMxType,
     0,
     true,
     {"example. 3600 MX 10 host1.example."},
     {},
     {"host1.example. 3600 A 192.0.2.1"}},
    {"a service with an address",
     "_ssh._tcp.host1.example.",
     kSrvType,
     0,
     true,
     {"_ssh._tcp.host1.example. 3600 SRV 0 0 22 host1.example."},
     {},
     {"host1.example. 3600 A 192.0.2.1"}},
    {"an unknown type",
     "svc.example.",
     65280,
     0,
     true,
     {"svc.example. 3600 TYPE65280 01020304"},
     {},
     {}},
    {"no such name below one that exists", "no.host1.example.", kAType, 3, true, {}, {kSoa}, {}},
    {"no such type", "host1.example.", kAaaaType, 0, true, {}, {kSoa}, {}},
    {"an alias",
     "alias.example.",
     kAType,
     0,
     true,
     {"alias.example. 3600 CNAME host1.example.", "host1.example. 3600 A 192.0.2.1"},
     {},
     {}},
    {"the alias alone",
     "alias.example.",
     kCnameType,
     0,
     true,
     {"alias.example. 3600 CNAME host1.example."},
     {},
     {}},
    {"an alias without data of that type",
     "alias.example.",
     kAaaaType,
     0,
     true,
     {"alias.example. 3600 CNAME host1.example."},
     {kSoa},
     {}},
    {"an alias to another zone",
     "far.example.",
     kAType,
     0,
     true,
     {"far.example. 3600 CNAME www.elsewhere.test."},
     {},
     {}},
    {"aliases in a circle, each once",
     "loop1.example.",
     kAType,
     0,
     true,
     {"loop1.example. 3600 CNAME loop2.example.", "loop2.example. 3600 CNAME loop1.example."},
     {},
     {}},
    {"an alias to nothing: the code of the last name (RFC 6604)",
     "dangling.example.",
     kAType,
     3,
     true,
     {"dangling.example. 3600 CNAME nothing.host1.example."},
     {kSoa},
     {}},
    {"an alias into a delegation",
     "tocut.example.",
     kAType,
     0,
     true,
     {"tocut.example. 3600 CNAME www.glue.example."},
     {"glue.example. 3600 NS ns.glue.example.", "glue.example. 3600 NS a.very.deep.glue.example."},
     {"ns.glue.example. 3600 A 192.0.2.99",
      "a.very.deep.glue.example. 3600 AAAA 20010db8000000000000000000000099"}},
    {"a referral with glue, at the delegation",
     "glue.example.",
     kAType,
     0,
     false,
     {},
     {"glue.example. 3600 NS ns.glue.example.", "glue.example. 3600 NS a.very.deep.glue.example."},
     {"ns.glue.example. 3600 A 192.0.2.99",
      "a.very.deep.glue.example. 3600 AAAA 20010db8000000000000000000000099"}},
    {"a referral with glue, below the delegation, glue not being an answer",
     "ns.glue.example.",
     kAType,
     0,
     false,
     {},
     {"glue.example. 3600 NS ns.glue.example.", "glue.example. 3600 NS a.very.deep.glue.example."},
     {"ns.glue.example. 3600 A 192.0.2.99",
      "a.very.deep.glue.example. 3600 AAAA 20010db8000000000000000000000099"}},
    {"DS is the delegating zone's",
     "glue.example.",
     kDsType,
     0,
     true,
     {"glue.example. 3600 DS "
      "30390d02000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
     {},
     {}},
    {"no DS is its answer too", "subdel.example.", kDsType, 0, true, {}, {kSoa}, {}},
    {"DS below a delegation is not ours",
     "x.subdel.example.",
     kDsType,
     0,
     false,
     {},
     {"subdel.example. 3600 NS ns.example.com.", "subdel.example. 3600 NS ns.example.net."},
     {}},
    {"ANY is one set (RFC 8482)",
     "example.",
     kAnyType,
     0,
     true,
     {"example. 3600 NS ns1.example.com.", "example. 3600 NS ns.example."},
     {},
     {}},
    {"ANY at an alias is the alias",
     "alias.example.",
     kAnyType,
     0,
     true,
     {"alias.example. 3600 CNAME host1.example."},
     {},
     {}},
    {"ANY at an empty non-terminal", "_tcp.host1.example.", kAnyType, 0, true, {}, {kSoa}, {}},
    {"outside of the zones", "www.test.", kAType, 5, false, {}, {}, {}},
    {"the root", ".", kNsType, 5, false, {}, {}, {}},
};

TEST_F(EngineAnswers, PlainQuestionsOfEveryKind) {
  Engine engine = engine_with({kExampleZone});
  for (const Case& c : kPlain) {
    expect(engine, c);
    expect(engine, c, Transport::kTcp, false);
  }
}

TEST_F(EngineAnswers, ABatchAnswersAsSingleQueriesDo) {
  Engine prepared = engine_with({kExampleZone});
  // Without EDNS and with the largest payload, prepared answers either fit or do not.
  for (const auto* table : {&kPlain}) {
    for (const Case& c : *table) {
      for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
        const auto query = query_bytes({.name = c.name, .type = c.type});
        const auto single = answer_bytes(prepared, query, transport);
        std::vector<std::uint8_t> out(65535);
        std::array<Exchange, 1> batch{
            {{.query = as_span(query), .out = std::as_writable_bytes(std::span(out))}}};
        prepared.answer_batch(batch, transport);
        out.resize(batch[0].size);
        EXPECT_EQ(single, out) << c.what;
      }
    }
  }
}

TEST_F(EngineAnswers, DnameRedirectsWhatIsBelowIt) {
  Engine engine = engine_with({kExampleZone});
  const Case cases[] = {
      {"to a name in the zone",
       "www.old.example.",
       kAType,
       0,
       true,
       {"old.example. 3600 DNAME new.example.", "www.old.example. 3600 CNAME www.new.example.",
        "www.new.example. 3600 A 192.0.2.80"},
       {},
       {}},
      {"not the owner itself", "old.example.", kAType, 0, true, {}, {kSoa}, {}},
      {"to a name that does not exist",
       "a.b.old.example.",
       kAType,
       3,
       true,
       {"old.example. 3600 DNAME new.example.", "a.b.old.example. 3600 CNAME a.b.new.example."},
       {kSoa},
       {}},
      {"out of the zone",
       "a.out.example.",
       kAType,
       0,
       true,
       {"out.example. 3600 DNAME target.test.", "a.out.example. 3600 CNAME a.target.test."},
       {},
       {}},
      {"asked for the CNAME",
       "www.old.example.",
       kCnameType,
       0,
       true,
       {"old.example. 3600 DNAME new.example.", "www.old.example. 3600 CNAME www.new.example."},
       {},
       {}},
      {"asked for the DNAME",
       "old.example.",
       39,
       0,
       true,
       {"old.example. 3600 DNAME new.example."},
       {},
       {}},
  };
  for (const Case& c : cases) expect(engine, c);
}

TEST_F(EngineAnswers, DnameThatMakesANameTooLongIsYxdomain) {
  Engine engine = engine_with({kExampleZone});
  const std::string label(63, 'x');
  // 3 * 64 + 44 + 14 ("self.example") = 250 octets; "deeper.self2.example" is 8 longer.
  const std::string name =
      label + "." + label + "." + label + "." + std::string(43, 'y') + ".self.example.";
  const Decoded got = resolve(engine, {.name = name, .type = kAType, .payload = 1232});
  EXPECT_TRUE(got.ok);
  EXPECT_EQ(got.rcode(), 6U);
  EXPECT_THAT(got.answer, ElementsAre("self.example. 3600 DNAME deeper.self2.example."));
}

TEST_F(EngineAnswers, TheZoneWithTheLongestApexAnswers) {
  Engine engine = engine_with({kExampleZone, kChildZone});
  const std::string child_soa =
      "glue.example. 30 SOA ns.glue.example. hostmaster.glue.example. 7 1 1 1 30";
  const Case cases[] = {
      {"at the child's apex",
       "glue.example.",
       kNsType,
       0,
       true,
       {"glue.example. 60 NS ns.glue.example."},
       {},
       {"ns.glue.example. 60 A 192.0.2.99"}},
      {"glue's name, now authoritative",
       "ns.glue.example.",
       kAType,
       0,
       true,
       {"ns.glue.example. 60 A 192.0.2.99"},
       {},
       {}},
      {"glue that the child lacks",
       "a.very.deep.glue.example.",
       kAaaaType,
       3,
       true,
       {},
       {child_soa},
       {}},
      {"DS still the parent's",
       "glue.example.",
       kDsType,
       0,
       true,
       {"glue.example. 3600 DS "
        "30390d02000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
       {},
       {}},
      {"an alias does not cross zones",
       "tocut.example.",
       kAType,
       0,
       true,
       {"tocut.example. 3600 CNAME www.glue.example."},
       {},
       {}},
      {"the parent's other names",
       "host1.example.",
       kAType,
       0,
       true,
       {"host1.example. 3600 A 192.0.2.1"},
       {},
       {}},
  };
  for (const Case& c : cases) expect(engine, c);
  Engine other_order = engine_with({kChildZone, kExampleZone});
  for (const Case& c : cases) expect(other_order, c);
}

TEST_F(EngineAnswers, SignaturesComeWithDoOnly) {
  Engine engine = engine_with({kSignedZone});
  const Decoded plain =
      resolve(engine, {.name = "ns.signed.test.", .type = kAType, .payload = 1232});
  EXPECT_THAT(plain.answer, ElementsAre("ns.signed.test. 3600 A 192.0.2.1"));
  EXPECT_FALSE(plain.opt_do);
  const Decoded with = resolve(
      engine, {.name = "ns.signed.test.", .type = kAType, .payload = 1232, .dnssec_ok = true});
  EXPECT_TRUE(with.opt_do);
  EXPECT_THAT(with.answer, ElementsAre("ns.signed.test. 3600 A 192.0.2.1",
                                       StartsWith("ns.signed.test. 3600 RRSIG 0001")));
  const Decoded nodata = resolve(
      engine, {.name = "ns.signed.test.", .type = kMxType, .payload = 1232, .dnssec_ok = true});
  EXPECT_THAT(nodata.authority, ElementsAre(StartsWith("signed.test. 300 SOA"),
                                            StartsWith("signed.test. 3600 RRSIG 0006"),
                                            StartsWith("ns.signed.test. 3600 NSEC"),
                                            StartsWith("ns.signed.test. 3600 RRSIG 002f")));
  const Decoded secure = resolve(
      engine, {.name = "a.cut.signed.test.", .type = kAType, .payload = 1232, .dnssec_ok = true});
  EXPECT_THAT(
      secure.authority,
      ElementsAre("cut.signed.test. 3600 NS ns.cut.signed.test.",
                  "cut.signed.test. 3600 DS "
                  "00010d02000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                  StartsWith("cut.signed.test. 3600 RRSIG 002b")));
  EXPECT_THAT(secure.additional, ElementsAre("ns.cut.signed.test. 3600 A 192.0.2.2"));
  const Decoded insecure = resolve(
      engine,
      {.name = "insecure.signed.test.", .type = kAType, .payload = 1232, .dnssec_ok = true});
  EXPECT_THAT(insecure.authority, Contains(StartsWith("insecure.signed.test. 3600 NSEC")));
  const Decoded all = resolve(engine, {.name = "signed.test.", .type = 46, .payload = 1232});
  EXPECT_EQ(all.answer.size(), 3U) << "every RRSIG when asked for";
}

TEST_F(EngineAnswers, CountersSayWhatWasDone) {
  Engine engine = engine_with({kExampleZone});
  resolve(engine, {.name = "host1.example."});
  resolve(engine, {.name = "no.host1.example."});
  resolve(engine, {.name = "www.test."});
  resolve(engine, {.name = "big.example.", .type = kTxtType});
  resolve(engine, {.name = "host1.example.", .flags = 0x8000});
  Text<256> line;
  write_counters(line, engine.counters());
  EXPECT_EQ(line.view(), "queries 5, dropped 1, truncated 1, noerror 2, nxdomain 1, refused 1");
}

TEST_F(EngineAnswers, WithoutZonesEveryQueryIsRefused) {
  Engine engine;
  EXPECT_EQ(resolve(engine, {.name = "host1.example."}).rcode(), 5U);
  engine.build();
  EXPECT_EQ(resolve(engine, {.name = "host1.example."}).rcode(), 5U);
}

TEST_F(EngineAnswers, TheRootZoneIsAZoneToo) {
  Engine engine = engine_with(
      {"$ORIGIN .\n. 60 SOA a. b. 1 1 1 1 1\n. 60 NS a.\na. 60 A 1.2.3.4\ncom. 60 NS ns.com.\n"});
  EXPECT_THAT(resolve(engine, {.name = "a."}).answer, ElementsAre("a. 60 A 1.2.3.4"));
  EXPECT_THAT(resolve(engine, {.name = ".", .type = kNsType}).answer, ElementsAre(". 60 NS a."));
  EXPECT_THAT(resolve(engine, {.name = "x.com."}).authority, ElementsAre("com. 60 NS ns.com."));
  EXPECT_EQ(resolve(engine, {.name = "b.c."}).rcode(), 3U);
  EXPECT_EQ(resolve(engine, {.name = ".", .type = kDsType}).rcode(), 0U);
}

}  // namespace
}  // namespace fata::dns::test
