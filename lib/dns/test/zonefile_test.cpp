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
using namespace std::string_literals;

class Files final : public Includes, public Diagnostics {
 public:
  explicit Files(std::map<std::string, std::string, std::less<>> files = {})
      : files_(std::move(files)) {}
  std::optional<std::string_view> text_of(std::string_view file) override {
    const auto found = files_.find(file);
    if (found == files_.end()) return {};
    return found->second;
  }
  void warning(const Diagnostic& diagnostic) override {
    Text<256> line(std::in_place, diagnostic);
    warnings.emplace_back(line.view());
  }
  std::vector<std::string> warnings;

 private:
  std::map<std::string, std::string, std::less<>> files_;
};

// "owner ttl type rdata-octets" of each record, or the error as the last line.
std::vector<std::string> parse(std::string_view text, Files& files,
                               const char* origin = "example.org.") {
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
    print(line, *Name::from_wire(record.owner), ' ', record.ttl, ' ', record.type, ' ',
          record.rdata.size(), " @", record.file, ':', record.line);
    lines.emplace_back(line.view());
  }
}
std::vector<std::string> parse(std::string_view text) {
  Files files;
  return parse(text, files);
}

TEST(ZoneFile, OwnersTtlsAndClassesComeInEveryForm) {
  EXPECT_THAT(
      parse("$TTL 1h30m\n"
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
  EXPECT_THAT(
      parse("$TTL 9\n$INCLUDE sub.zone sub\n$INCLUDE \"again\" ; quoted\nz A 1.2.3.4\n", files),
      ElementsAre("a.sub.example.org. 9 A 4 @sub.zone:1",
                  "b.deep.sub.example.org. 9 A 4 @sub.zone:3", "a.example.org. 9 A 4 @sub.zone:1",
                  "b.deep.example.org. 9 A 4 @sub.zone:3", "c.example.org. 9 A 4 @again:2",
                  "z.example.org. 9 A 4 @zone:4"));
}

TEST(ZoneFile, AQuoteEndsABareWord) {
  Files files;
  const auto origin = Name::from_text("example.org.");
  ZoneParser parser("zone", "x 60 TXT a\"b c\"d \"e\"\"f\" g\\\"h i;\"\n", &*origin, &files);
  ZoneRecord record;
  const auto more = parser.next(record);
  ASSERT_TRUE(more.has_value() && *more);
  EXPECT_EQ(as_text(record.rdata), "\001a\003b c\001d\001e\001f\003g\"h\001i");
}

TEST(ZoneFile, AnIncludersOwnerIsItsOwnAfterAnInclude) {
  Files files({{"part", "x A 1.2.3.4\n"},
               {"blank", "  A 1.2.3.5\ny A 1.2.3.6\n$INCLUDE part\n A 1.2.3.7\n"}});
  EXPECT_THAT(
      parse("$TTL 9\nbefore A 1.2.3.4\n$INCLUDE part\n  TXT a\n$INCLUDE blank\n  TXT b\n", files),
      ElementsAre("before.example.org. 9 A 4 @zone:2", "x.example.org. 9 A 4 @part:1",
                  "before.example.org. 9 TXT 2 @zone:4", "before.example.org. 9 A 4 @blank:1",
                  "y.example.org. 9 A 4 @blank:2", "x.example.org. 9 A 4 @part:1",
                  "y.example.org. 9 A 4 @blank:4", "before.example.org. 9 TXT 2 @zone:6"));
  EXPECT_EQ(parse("$TTL 9\n$INCLUDE part\n  TXT a\n", files).back(),
            "zone:3: the first record has no owner: do not start its line with a blank: \"TXT\"");
}

TEST(ZoneFile, AnIncludedTtlHoldsOn) {
  Files files({{"part", "$TTL 7\nx A 1.2.3.4\n"}});
  EXPECT_THAT(parse("$TTL 9\n$INCLUDE part\ny A 1.2.3.4\n", files),
              ElementsAre("x.example.org. 7 A 4 @part:2", "y.example.org. 7 A 4 @zone:3"));
}

TEST(ZoneFile, ATtlOver31BitsIsZero) {
  EXPECT_THAT(parse("x 2147483647 A 1.2.3.4\nx 2147483648 A 1.2.3.4\nx A 1.2.3.4\n"
                    "$TTL 4294967295\ny A 1.2.3.4\ny 24856d A 1.2.3.4\ny 5 A 1.2.3.4\n"),
              ElementsAre("x.example.org. 2147483647 A 4 @zone:1", "x.example.org. 0 A 4 @zone:2",
                          "x.example.org. 0 A 4 @zone:3", "y.example.org. 0 A 4 @zone:5",
                          "y.example.org. 0 A 4 @zone:6", "y.example.org. 5 A 4 @zone:7"));
}

// Each as parsed by BIND and NSD.
TEST(ZoneFile, AnOwnerMayBeQuoted) {
  EXPECT_THAT(parse("$TTL 9\n\"x\" A 1.2.3.4\n  TXT a\n\"y z\" A 1.2.3.4\n\"@\" A 1.2.3.4\n"
                    "\"$TTL\" A 1.2.3.4\n\"w.test.\" A 1.2.3.4\n"),
              ElementsAre("x.example.org. 9 A 4 @zone:2", "x.example.org. 9 TXT 2 @zone:3",
                          "y\\032z.example.org. 9 A 4 @zone:4", "example.org. 9 A 4 @zone:5",
                          "\\$TTL.example.org. 9 A 4 @zone:6", "w.test. 9 A 4 @zone:7"));
}

TEST(ZoneFile, WithoutAnyTtlTheSoaRecordsMinimumIsUsed) {
  EXPECT_THAT(parse("@ SOA a b 1 2 3 4 77\nx A 1.2.3.4\ny 60 A 1.2.3.4\nz A 1.2.3.4\n"),
              ElementsAre("example.org. 77 SOA 50 @zone:1", "x.example.org. 77 A 4 @zone:2",
                          "y.example.org. 60 A 4 @zone:3", "z.example.org. 77 A 4 @zone:4"));
  EXPECT_THAT(parse("@ SOA a b 1 4294967295 4294967295 4294967295 4294967295\n"),
              ElementsAre("example.org. 2147483647 SOA 50 @zone:1"));
  EXPECT_THAT(parse("x A 1.2.3.4\n@ SOA a b 1 2 3 4 77\ny A 1.2.3.4\n"),
              ElementsAre("x.example.org. 3600 A 4 @zone:1", "example.org. 77 SOA 50 @zone:2",
                          "y.example.org. 77 A 4 @zone:3"));
}

// "owner type rdata" of each record in hex, or the error.
std::vector<std::string> generate(const std::string& directive) {
  Files files;
  const auto origin = Name::from_text("x.");
  const std::string text = "$TTL 9\n" + directive + "\n";
  ZoneParser parser("zone", text, &*origin, &files);
  std::vector<std::string> lines;
  for (ZoneRecord record;;) {
    const auto more = parser.next(record);
    Text<1024> line;
    if (!more) print(line, more.error());
    if (more && *more) {
      print(line, *Name::from_wire(record.owner), ' ', record.ttl, ' ', record.type, ' ');
      if (record.type == Type::kA) {
        for (std::size_t i = 0; i < 4; ++i)
          print(line, i == 0 ? "" : ".", static_cast<unsigned>(record.rdata[i]));
      } else if (const auto name = Name::from_wire(record.rdata)) {
        print(line, *name);
      } else {
        for (const std::byte octet : record.rdata) line.put(static_cast<char>(octet));
      }
    }
    if (more && !*more) return lines;
    lines.emplace_back(line.view());
    if (!more) return lines;
  }
}

TEST(Generate, CountsInOwnerAndRdata) {
  EXPECT_THAT(generate("$GENERATE 1-3 h$ A 10.0.0.$ ; each"),
              ElementsAre("h1.x. 9 A 10.0.0.1", "h2.x. 9 A 10.0.0.2", "h3.x. 9 A 10.0.0.3"));
  EXPECT_THAT(generate("$GENERATE 0-5/2 $ 60 IN PTR h${10}.y."),
              ElementsAre("0.x. 60 PTR h10.y.", "2.x. 60 PTR h12.y.", "4.x. 60 PTR h14.y."));
  EXPECT_THAT(generate("$generate 2147483647-2147483647 a CLASS1 5 CNAME ${0,12,x}"),
              ElementsAre("a.x. 5 CNAME 00007fffffff.x."));
  EXPECT_THAT(generate("$GENERATE 9-10 h${-9,3,d} CNAME ${0,0,o}-${0,3,X}-${245,2,x}"),
              ElementsAre("h000.x. 9 CNAME 11-009-fe.x.", "h001.x. 9 CNAME 12-00A-ff.x."));
  EXPECT_THAT(generate("$GENERATE 26-26 ${0,7,n}.${0,1,N}.${0,0,n} CNAME a"),
              ElementsAre("a.1.0.0.A.1.a.1.x. 9 CNAME a.x."));
  EXPECT_THAT(generate("$GENERATE 1-1 a$$b\\$c$ TXT \"x $ y\""),
              ElementsAre("a\\$b\\$c1.x. 9 TXT \001x\0011\001y"));
}

// Each as parsed by BIND 9.18.
TEST(Generate, QuotesInItsRdataAreEscaped) {
  EXPECT_THAT(generate(R"($GENERATE 1-2 h$ TXT "\"v=spf1 ip4:192.0.2.$ -all\"")"),
              ElementsAre("h1.x. 9 TXT \x19v=spf1 ip4:192.0.2.1 -all",
                          "h2.x. 9 TXT \x19v=spf1 ip4:192.0.2.2 -all"));
  EXPECT_THAT(generate(R"($GENERATE 1-1 h$ CAA "0 issue \"ca $.net\"")"),
              ElementsAre("h1.x. 9 CAA \0\x05issueca 1.net"s));
  EXPECT_THAT(generate(R"($GENERATE 1-1 h$ HINFO "\"a;b\" \"$\"")"),
              ElementsAre("h1.x. 9 HINFO \x03"
                          "a;b\x01"
                          "1"));
  EXPECT_THAT(generate(R"($GENERATE 4-4 h$ SVCB "1 . alpn=\"h2\" port=$")"),
              ElementsAre("h4.x. 9 SVCB \0\1\0\0\1\0\3\2h2\0\3\0\2\0\4"s));
  EXPECT_THAT(generate(R"($GENERATE 1-1 h$ NAPTR "1 $ \"u\" \"\" \"!$$!a!\" .")"),
              ElementsAre("h1.x. 9 NAPTR \0\1\0\1\1u\0\5!$!a!\0"s));
  // Other escapes keep their backslash, and so do all escapes of a bare word.
  EXPECT_THAT(generate(R"($GENERATE 1-1 h$ TXT "a\\$ \; \065")"), ElementsAre("h1.x. 9 TXT \x03"
                                                                              "a\\1\x01;\x01"
                                                                              "A"));
  EXPECT_THAT(generate(R"($GENERATE 1-1 h$ TXT a\"b$)"), ElementsAre("h1.x. 9 TXT \x04"
                                                                     "a\"b1"));
}

TEST(Generate, OffsetsHaveSigns) {
  EXPECT_THAT(generate("$GENERATE 0-2 h${-1} CNAME ${+1}"),
              ElementsAre("h-1.x. 9 CNAME 1.x.", "h0.x. 9 CNAME 2.x.", "h1.x. 9 CNAME 3.x."));
  EXPECT_THAT(generate("$GENERATE 0-0 h${-1,4} CNAME ${-1,4,x}.${-1,0,o}.${-2,3,X}"),
              ElementsAre("h-001.x. 9 CNAME ffffffff.37777777777.FFFFFFFE.x."));
  EXPECT_THAT(generate("$GENERATE 1-1 $-${4,3,x}-$ CNAME $"),
              ElementsAre("1-005-5.x. 9 CNAME 1.x."));
  EXPECT_THAT(generate("$GENERATE 1-1 h TXT \"${-2147483648} ${2147483646,+3} ${ 1, 3}\""),
              ElementsAre("h.x. 9 TXT \x0b-2147483647\x0a"
                          "2147483647\x03"
                          "002"));
}

TEST(Generate, LeavesOwnerAndOriginAsTheyWere) {
  EXPECT_THAT(generate("a A 1.2.3.4\n$GENERATE 1-1 b$ A 1.2.3.5\n  A 1.2.3.6"),
              ElementsAre("a.x. 9 A 1.2.3.4", "b1.x. 9 A 1.2.3.5", "a.x. 9 A 1.2.3.6"));
}

TEST(Generate, WhatIsWrongHasItsLine) {
  const std::string bad_template =
      "$ is followed by {offset[,width[,base]]} or nothing; the sum is at most 2147483647, and in "
      "nibbles not negative";
  const std::pair<const char*, std::string> cases[] = {
      {"$GENERATE", "$GENERATE takes a range, as 1-100 or 0-254/2"},
      {"$GENERATE 1 a A 1.2.3.4", "$GENERATE takes a range, as 1-100 or 0-254/2: \"1\""},
      {"$GENERATE 2-1 a A 1.2.3.4", "$GENERATE takes a range, as 1-100 or 0-254/2: \"2-1\""},
      {"$GENERATE 1-2/0 a A 1.2.3.4", "$GENERATE takes a range, as 1-100 or 0-254/2: \"1-2/0\""},
      {"$GENERATE 1-2/ a A 1.2.3.4", "$GENERATE takes a range, as 1-100 or 0-254/2: \"1-2/\""},
      {"$GENERATE 1/2-3 a A 1.2.3.4", "$GENERATE takes a range, as 1-100 or 0-254/2: \"1/2-3\""},
      {"$GENERATE -1-2 a A 1.2.3.4", "$GENERATE takes a range, as 1-100 or 0-254/2: \"-1-2\""},
      {"$GENERATE 0-2147483648 a A 1.2.3.4",
       "$GENERATE takes a range, as 1-100 or 0-254/2: \"0-2147483648\""},
      {"$GENERATE 0-1048576 a A 1.2.3.4",
       "$GENERATE makes more than 1048576 records: split it: \"0-1048576\""},
      {"$GENERATE 1-2", "$GENERATE takes an owner after its range"},
      {"$GENERATE 1-2 a", "the record has no type"},
      {"$GENERATE 1-2 a A", "$GENERATE takes rdata after its type"},
      {"$GENERATE 1-2 a ANY x", "this type is for queries, not for data"},
      {"$GENERATE 1-2 a A 1.2.3.4 5", "nothing may follow here: \"5\""},
      {"$GENERATE 1-2 a A 1.2.3.${", bad_template + ": \"1.2.3.${\""},
      {"$GENERATE 1-2 a${0,2 A 1.2.3.4", bad_template + ": \"a${0,2\""},
      {"$GENERATE 1-2 a${0,2,z} A 1.2.3.4", bad_template + ": \"a${0,2,z}\""},
      {"$GENERATE 1-2 a${0,256} A 1.2.3.4", bad_template + ": \"a${0,256}\""},
      {"$GENERATE 1-2 a${} A 1.2.3.4", bad_template + ": \"a${}\""},
      {"$GENERATE 1-2 a${0,128} A 1.2.3.4", bad_template + ": \"a${0,128}\""},
      {"$GENERATE 1-2 a${--2} A 1.2.3.4", bad_template + ": \"a${--2}\""},
      {"$GENERATE 1-2 a${+-2} A 1.2.3.4", bad_template + ": \"a${+-2}\""},
      {"$GENERATE 1-2 a${-2,0,n} A 1.2.3.4", bad_template + ": \"a${-2,0,n}\""},
      {"$GENERATE 1-2 a${2147483647} A 1.2.3.4", bad_template + ": \"a${2147483647}\""},
      {"$GENERATE 1-2 a MX ( \"10 m$\" )",
       "the rdata of $GENERATE stands in quotes, not in parentheses: \"10 m$\""},
      {"$GENERATE ( 1-2 a A 1.2.3.$ )",
       "the rdata of $GENERATE stands in quotes, not in parentheses: \"1.2.3.$\""},
      {"$GENERATE 1-2 a TXT \"\\\"b\"", "a quoted string does not end in its line: \"\\\"b\""},
      {"$GENERATE 1-2 a A 1.2.3.x$", "an IPv4 address is expected here: \"1.2.3.x$\""},
      {"$GENERATE 1-2 a..$ A 1.2.3.4", "a label is empty: \"a..$\""},
  };
  for (const auto& [text, want] : cases)
    EXPECT_EQ(generate(text).back(), "zone:2: " + want) << text;
  EXPECT_THAT(
      generate("$GENERATE 255-256 a A 1.2.3.$"),
      ElementsAre("a.x. 9 A 1.2.3.255", "zone:2: an IPv4 address is expected here: \"1.2.3.$\""));
}

TEST(Generate, MayMakeAMillionRecords) {
  Files files;
  const auto origin = Name::from_text("x.");
  ZoneParser parser("zone", "$GENERATE 1-1048576 $ 9 A 1.2.3.4", &*origin, &files);
  ZoneRecord record;
  const auto first = parser.next(record);
  EXPECT_TRUE(first.has_value() && *first);
}

TEST(ZoneFile, ComplaintsNameTheFileTheLineTheReasonAndTheWord) {
  Files files({{"self", "\n$INCLUDE self\n"}, {"bad", "x 60 A 1.2.3\n"}});
  const std::pair<const char*, const char*> cases[] = {
      {"x 60 A 1.2.3\n", "zone:1: an IPv4 address is expected here: \"1.2.3\""},
      {"x 60 A \x1b[31m\xff\n", "zone:1: an IPv4 address is expected here: \"\\027[31m\\255\""},
      {"\n\nx 60 A ( 1.2.3.4\n", "zone:3: a '(' is never closed"},
      {"x 60 A ( 1.2.3.4\ny 60 A 1.2.3.5\n",
       "zone:2: nothing may follow here: \"y\"; the '(' of line 1 is still open here"},
      {"x 60 TXT ( a b\ny\n\"c\n)\n",
       "zone:3: a quoted string does not end in its line; the '(' of line 1 is still open here"},
      {"x 60 A ( 1.2.3.4.5 )\n", "zone:1: an IPv4 address is expected here: \"1.2.3.4.5\""},
      {"\xef\xbb\xbf"
       "x 60 A 1.2.3\n",
       "zone:1: an IPv4 address is expected here: \"1.2.3\""},
      {"x 60 A 1.2.3.4 )\n", "zone:1: a ')' has no '(' before it"},
      {"x 60 TXT \"abc\n", "zone:1: a quoted string does not end in its line"},
      {" 60 A 1.2.3.4\n",
       "zone:1: the first record has no owner: do not start its line with a blank: \"60\""},
      {"x 60\n", "zone:1: the record has no type"},
      {"x 60 70 A 1.2.3.4\n", "zone:1: the record has two TTLs, or lacks its type: \"70\""},
      {"x 60 IN IN A 1.2.3.4\n", "zone:1: the record has two classes: \"IN\""},
      {"x 60 CH TXT a\n", "zone:1: only class IN is served"},
      {"x 60q A 1.2.3.4\n",
       "zone:1: the TTL is not a period up to 2147483647 s, as 3600 or 1h: \"60q\""},
      {"x 4294967296 A 1.2.3.4\n",
       "zone:1: the TTL is not a period up to 2147483647 s, as 3600 or 1h: \"4294967296\""},
      {"x 60 NOTYPE a\n",
       "zone:1: this is neither a TTL, a class nor a known type (others are written TYPE123): "
       "\"NOTYPE\""},
      {"x 60 ANY a\n", "zone:1: this type is for queries, not for data"},
      {"x 60 A 1.2.3.4 5\n", "zone:1: nothing may follow here: \"5\""},
      {"a..b 60 A 1.2.3.4\n", "zone:1: a label is empty: \"a..b\""},
      {"$TTL\n", "zone:1: $TTL needs a time, such as 3600 or 1h"},
      {"$ORIGIN \"x\"\n", "zone:1: $ORIGIN needs a domain name: \"x\""},
      {"$UNKNOWN 1-2 a A 1.2.3.4\n",
       "zone:1: this directive is unknown: $ORIGIN, $TTL, $INCLUDE and $GENERATE are known: "
       "\"$UNKNOWN\""},
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
      {head + "x CNAME a\nx A 1.2.3.4\n",
       "zone:4: a name with a CNAME has no other data (RFC 1034)"},
      {head + "x CNAME a\nx TXT b\n", "zone:5: a name with a CNAME has no other data (RFC 1034)"},
      {head + "x CNAME a\nx CNAME b\n", "zone:5: a name has one CNAME record"},
      {head + "x DNAME a\nx DNAME b\n", "zone:5: a name has one DNAME record"},
      {head + "x CNAME a\nx NSEC b CNAME\n", "loaded"},
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
       "zone:5: the records of this name and type have several TTLs: the lowest is served (RFC "
       "2181)"},
      {"x 2147483648 A 1.2.3.4\n",
       "zone:4: a TTL over 2147483647 s counts as 0 (RFC 2181 section 8)"},
      {"$TTL 7101w\nx A 1.2.3.4\n",
       "zone:5: a TTL over 2147483647 s counts as 0 (RFC 2181 section 8)"},
      {"$GENERATE 1-2 x$ 4294967295 A 1.2.3.4\n",
       "zone:4: a TTL over 2147483647 s counts as 0 (RFC 2181 section 8)"},
      {"*.x NS a\n", "zone:4: NS at a wildcard delegates nothing (RFC 4592 section 4.2)"},
      {"*.x DNAME a\n", "zone:4: DNAME at a wildcard redirects nothing (RFC 4592 section 4.4)"},
      {"x DNAME a\ny.x A 1.2.3.4\n", "zone:5: this record is below a DNAME, which hides it"},
      {"x NS a\ny.x TXT t\n", "zone:5: this record is below a delegation, which hides it"},
      {"x.test. A 1.2.3.4\n",
       "zone:4: this record is outside of the zone, which its SOA record's owner names, and "
       "ignored"},
      {". NS a\n",
       "zone:4: this record is outside of the zone, which its SOA record's owner names, and "
       "ignored"},
      {"x.test. SOA a b 1 1 1 1 1\n",
       "zone:4: this record is outside of the zone, which its SOA record's owner names, and "
       "ignored"},
  };
  for (const auto& [text, want] : cases) {
    Files files;
    EXPECT_EQ(load_error(head + text, files), "loaded") << text;
    EXPECT_THAT(files.warnings, ElementsAre(want));
  }
}

TEST(ZoneChecks, WhatIsOutsideIsIgnoredBeforeTheSoaRecordToo) {
  Files files;
  const auto origin = Name::from_text("example.org.");
  Engine engine;
  const auto loaded =
      engine.load("zone", "$TTL 60\nx.test. A 1.2.3.4\na A 1.2.3.4\n@ SOA a b 1 1 1 1 1\n@ NS a\n",
                  {.origin = &*origin, .includes = &files, .diagnostics = &files});
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->records, 3U);
  EXPECT_EQ(loaded->names, 2U);
  EXPECT_THAT(files.warnings, ElementsAre("zone:2: this record is outside of the zone, which its "
                                          "SOA record's owner names, and ignored"));
}

TEST(ZoneChecks, AZoneWithoutAnyTtlIsServedWithAWarning) {
  Files files;
  EXPECT_EQ(load_error("@ SOA a b 1 1 1 1 9\n@ NS a\n", files), "loaded");
  EXPECT_THAT(files.warnings,
              ElementsAre("zone:1: no TTL is given: the SOA record's minimum is used"));
  Files others;
  EXPECT_EQ(load_error("@ NS a\n@ NS b\n@ SOA a b 1 1 1 1 3600\n", others), "loaded");
  EXPECT_THAT(others.warnings,
              ElementsAre("zone:1: no TTL is given: 3600 is used",
                          "zone:3: no TTL is given: the SOA record's minimum is used"));
}

TEST(ZoneChecks, RecordsThatDifferInTheCaseOfANameAreOne) {
  const std::string head = "$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\n";
  const std::pair<const char*, std::size_t> cases[] = {
      {"x NS b\nx NS B\n", 3},
      {"x MX 1 b\nx MX 1 B\nx MX 1 c\nx MX 1 b\n", 4},
      {"x CNAME y\nx CNAME Y\n", 3},
      {"x DNAME y\nx DNAME Y\n", 3},
      {"@ SOA A B 1 1 1 1 1\n", 2},
      {"x SRV 1 1 1 y\nx SRV 1 1 1 Y\nX SRV 1 1 1 y\n", 3},
      {"x TXT y\nx TXT Y\n", 4},
      {"x SVCB 1 y\nx SVCB 1 Y\n", 4},
      {"x A \\# 4 01020304\nx A 1.2.3.4\nx TYPE1 1.2.3.4\n", 3},
  };
  for (const auto& [text, want] : cases) {
    const auto origin = Name::from_text("example.org.");
    const std::string zone = head + text;
    Engine engine;
    const auto loaded = engine.load("zone", zone, {.origin = &*origin});
    ASSERT_TRUE(loaded.has_value()) << text;
    EXPECT_EQ(loaded->records, want) << text;
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
