#include "fata/dns/zonefile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "fata/dns/engine.hpp"

namespace fata::dns::test {
namespace {

using testing::ElementsAre;

class Files final : public Includes, public Diagnostics {
 public:
  explicit Files(std::map<std::string, std::string, std::less<>> files = {}) : files_(std::move(files)) {}
  std::optional<std::string_view> text_of(std::string_view file) override {
    const auto found = files_.find(file);
    if (found == files_.end()) return {};
    return found->second;
  }
  void warning(const Complaint& complaint) override {
    Text<256> line(std::in_place, complaint);
    warnings.emplace_back(line.view());
  }
  std::vector<std::string> warnings;

 private:
  std::map<std::string, std::string, std::less<>> files_;
};

// "owner ttl type rdata-octets" of each record, or the complaint as the last line.
std::vector<std::string> parse(std::string_view text, Files& files, const char* origin = "example.org.") {
  const auto start = Name::from_text(origin);
  ZoneParser parser("zone", text, &*start, &files);
  std::vector<std::string> lines;
  for (ZoneRecord record;;) {
    const auto more = parser.next(record);
    Text<1024> line;
    if (!more) {
      print(line, more.error());
      lines.emplace_back(line.view());
      return lines;
    }
    if (!*more) return lines;
    print(line, *Name::from_wire(record.owner), ' ', record.ttl, ' ', record.type, ' ', record.rdata.size(),
          " @", record.file, ':', record.line);
    lines.emplace_back(line.view());
  }
}
std::vector<std::string> parse(std::string_view text) {
  Files files;
  return parse(text, files);
}

TEST(ZoneFile, OwnersTtlsAndClassesComeInEveryForm) {
  EXPECT_THAT(parse("$TTL 1h30m\n"
                    "@ IN 60 A 1.2.3.4\n"
                    "www 60 IN A 1.2.3.4\n"
                    "    A 1.2.3.4 ; the same owner\n"
                    "\tin AAAA ::1\n"
                    "\n"
                    "  ; only a comment\n"
                    "abs.example. 1d A 1.2.3.4\n"
                    "x CLASS1 TYPE1 \\# 4 01020304\n"
                    "$ORIGIN sub\n"
                    "y 1w2d3h4m5s A 1.2.3.4\n"
                    "$ORIGIN other.test.\n"
                    "@ A 1.2.3.4"),
              ElementsAre("example.org. 60 A 4 @zone:2", "www.example.org. 60 A 4 @zone:3",
                          "www.example.org. 5400 A 4 @zone:4", "www.example.org. 5400 AAAA 16 @zone:5",
                          "abs.example. 86400 A 4 @zone:8", "x.example.org. 5400 A 4 @zone:9",
                          "y.sub.example.org. 788645 A 4 @zone:11", "other.test. 5400 A 4 @zone:13"));
}

TEST(ZoneFile, TheLastTtlHoldsWhereNoDefaultIsGiven) {
  EXPECT_THAT(parse("a 60 A 1.2.3.4\nb A 1.2.3.4\nc 70 A 1.2.3.4\nd A 1.2.3.4\n"),
              ElementsAre("a.example.org. 60 A 4 @zone:1", "b.example.org. 60 A 4 @zone:2",
                          "c.example.org. 70 A 4 @zone:3", "d.example.org. 70 A 4 @zone:4"));
}

TEST(ZoneFile, ParenthesesSpanLines) {
  EXPECT_THAT(parse("@ 60 SOA a b ( ; a comment )\n 1\n 2 3\n\n 4 5 )\nx (\n60 ) A (1.2.3.4)\n"),
              ElementsAre("example.org. 60 SOA 50 @zone:1", "x.example.org. 60 A 4 @zone:6"));
}

TEST(ZoneFile, QuotesAndEscapesProtectWhatIsSpecial) {
  EXPECT_THAT(parse("t 60 TXT \"a;(b\" c\\;d \"\\\"\"\r\na\\.b 60 A 1.2.3.4\r\n"),
              ElementsAre("t.example.org. 60 TXT 11 @zone:1", "a\\.b.example.org. 60 A 4 @zone:2"));
}

TEST(ZoneFile, IncludedFilesStartWithTheOriginGivenAndGiveBackTheOldOne) {
  Files files({{"sub.zone", "a A 1.2.3.4\n$ORIGIN deep\nb A 1.2.3.4"},
               {"again", "$INCLUDE sub.zone\nc A 1.2.3.4\n"}});
  EXPECT_THAT(parse("$TTL 9\n$INCLUDE sub.zone sub\n$INCLUDE \"again\" ; quoted\nz A 1.2.3.4\n", files),
              ElementsAre("a.sub.example.org. 9 A 4 @sub.zone:1", "b.deep.sub.example.org. 9 A 4 @sub.zone:3",
                          "a.example.org. 9 A 4 @sub.zone:1", "b.deep.example.org. 9 A 4 @sub.zone:3",
                          "c.example.org. 9 A 4 @again:2", "z.example.org. 9 A 4 @zone:4"));
}

TEST(ZoneFile, ComplaintsNameTheFileTheLineTheReasonAndTheWord) {
  Files files({{"self", "\n$INCLUDE self\n"}, {"bad", "x 60 A 1.2.3\n"}});
  const std::pair<const char*, const char*> cases[] = {
      {"x 60 A 1.2.3\n", "zone:1: an IPv4 address is expected here: \"1.2.3\""},
      {"x 60 A \x1b[31m\xff\n", "zone:1: an IPv4 address is expected here: \"\\027[31m\\255\""},
      {"\n\nx 60 A ( 1.2.3.4\n", "zone:3: a '(' is never closed"},
      {"x 60 A 1.2.3.4 )\n", "zone:1: a ')' has no '(' before it"},
      {"x 60 TXT \"abc\n", "zone:1: a quoted string does not end in its line"},
      {"x A 1.2.3.4\n", "zone:1: the record has no TTL: give one, or a $TTL line before it"},
      {" 60 A 1.2.3.4\n",
       "zone:1: the first record has no owner: do not start its line with a blank: \"60\""},
      {"x 60\n", "zone:1: the record has no type"},
      {"x 60 70 A 1.2.3.4\n", "zone:1: the record has two TTLs, or lacks its type: \"70\""},
      {"x 60 IN IN A 1.2.3.4\n", "zone:1: the record has two classes: \"IN\""},
      {"x 60 CH TXT a\n", "zone:1: only class IN is served"},
      {"x 60q A 1.2.3.4\n", "zone:1: the TTL is not a period up to 2147483647 s, as 3600 or 1h: \"60q\""},
      {"x 2147483648 A 1.2.3.4\n",
       "zone:1: the TTL is not a period up to 2147483647 s, as 3600 or 1h: \"2147483648\""},
      {"x 60 NOTYPE a\n",
       "zone:1: this is neither a TTL, a class nor a known type (others are written TYPE123): \"NOTYPE\""},
      {"x 60 ANY a\n", "zone:1: this type is for queries, not for data"},
      {"x 60 A 1.2.3.4 5\n", "zone:1: nothing may follow here: \"5\""},
      {"a..b 60 A 1.2.3.4\n", "zone:1: a label is empty: \"a..b\""},
      {"$TTL\n", "zone:1: $TTL takes a period, as 3600 or 1h"},
      {"$ORIGIN \"x\"\n", "zone:1: $ORIGIN takes a domain name: \"x\""},
      {"$GENERATE 1-2 a A 1.2.3.4\n",
       "zone:1: this directive is unknown: $ORIGIN, $TTL and $INCLUDE are: \"$GENERATE\""},
      {"$INCLUDE nowhere\n", "zone:1: the file to include is not there: \"nowhere\""},
      {"$INCLUDE self\n", "self:2: files include each other more than 8 deep: \"self\""},
      {"$INCLUDE bad\n", "bad:1: an IPv4 address is expected here: \"1.2.3\""},
      {"$INCLUDE bad a b\n", "zone:1: nothing may follow here: \"b\""},
  };
  for (const auto& [text, want] : cases) {
    const auto lines = parse(text, files);
    ASSERT_FALSE(lines.empty()) << text;
    EXPECT_EQ(lines.back(), want);
  }
}

TEST(ZoneFile, RelativeNamesNeedAnOrigin) {
  ZoneParser parser("zone", "x 60 A 1.2.3.4\n");
  ZoneRecord record;
  const auto more = parser.next(record);
  ASSERT_FALSE(more.has_value());
  EXPECT_EQ(more.error().reason, "a relative name needs an $ORIGIN before it, or end it in a dot");
}

std::string load_error(std::string_view text, Files& files) {
  const auto origin = Name::from_text("example.org.");
  Engine engine;
  const auto loaded =
      engine.load("zone", text, {.origin = &*origin, .includes = &files, .diagnostics = &files});
  if (loaded) return "loaded";
  Text<256> line(std::in_place, loaded.error());
  return std::string(line.view());
}

TEST(ZoneChecks, EachBrokenZoneGetsItsReason) {
  const std::string head = "$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\n";
  const std::pair<std::string, const char*> cases[] = {
      {head, "loaded"},
      {"", "zone:1: the zone has no SOA record"},
      {"$TTL 60\n@ SOA a b 1 1 1 1 1\n", "zone:2: the zone has no NS record at its apex"},
      {head + "@ SOA x y 1 1 1 1 1\n", "zone:4: a second SOA record that differs from the first"},
      {head + "x SOA x y 1 1 1 1 1\n", "zone:4: a second SOA record: a zone has one, at its apex"},
      {head + "x CNAME a\nx A 1.2.3.4\n", "zone:4: a name with a CNAME has no other data (RFC 1034)"},
      {head + "x CNAME a\nx TXT b\n", "zone:5: a name with a CNAME has no other data (RFC 1034)"},
      {head + "x CNAME a\nx CNAME b\n", "zone:5: a name has one CNAME record"},
      {head + "x DNAME a\nx DNAME b\n", "zone:5: a name has one DNAME record"},
      {head + "x CNAME a\nx NSEC b CNAME\n", "loaded"},
      {head + "x.test. A 1.2.3.4\n",
       "zone:4: this record is outside of the zone, which its SOA record's owner names"},
      {head + "@ SOA a b 1 1 1 1 1\nx A 1.2.3.4\nx A 1.2.3.4\n", "loaded"},
  };
  for (const auto& [text, want] : cases) {
    Files files;
    EXPECT_EQ(load_error(text, files), want);
    EXPECT_TRUE(files.warnings.empty()) << files.warnings.front();
  }
}

TEST(ZoneChecks, OddZonesAreServedWithAWarning) {
  const std::string head = "$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\n";
  const std::pair<std::string, const char*> cases[] = {
      {"x 30 A 1.2.3.4\nx A 1.2.3.5\n",
       "zone:5: the records of this name and type have several TTLs: the lowest is served (RFC 2181)"},
      {"*.x NS a\n", "zone:4: NS at a wildcard delegates nothing (RFC 4592 section 4.2)"},
      {"*.x DNAME a\n", "zone:4: DNAME at a wildcard redirects nothing (RFC 4592 section 4.4)"},
      {"x DNAME a\ny.x A 1.2.3.4\n", "zone:5: this record is below a DNAME, which hides it"},
      {"x NS a\ny.x TXT t\n", "zone:5: this record is below a delegation, which hides it"},
  };
  for (const auto& [text, want] : cases) {
    Files files;
    EXPECT_EQ(load_error(head + text, files), "loaded") << text;
    EXPECT_THAT(files.warnings, ElementsAre(want));
  }
}

TEST(ZoneChecks, AZoneIsLoadedOnce) {
  Engine engine;
  const std::string_view text = "$ORIGIN a.\n@ 60 SOA a b 1 1 1 1 1\n@ 60 NS a\n";
  const auto first = engine.load("one", text);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->records, 2U);
  EXPECT_EQ(first->names, 1U);
  const auto second = engine.load("two", text);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().file, "two");
}

}  // namespace
}  // namespace fata::dns::test
