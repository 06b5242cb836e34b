#include <gtest/gtest.h>

#include <string>

#include "fata/json/reader.hpp"
#include "fata/json/writer.hpp"

namespace fata::json {
namespace {

// The tokens of a text, one letter each; '!' for an error.
std::string tokens(std::string_view text) {
  static constexpr std::string_view kLetters = "{}[]ksntfz.!";
  Reader in(text);
  std::string letters;
  do letters += kLetters[static_cast<std::size_t>(in.next())];
  while (in.token() != Token::kEnd && in.token() != Token::kError);
  return letters;
}

TEST(JsonReader, GivesTheTokensOfValidTexts) {
  const std::pair<std::string_view, std::string_view> cases[]{
      {"0", "n."},
      {" true ", "t."},
      {"\tnull\r\n", "z."},
      {"\"\"", "s."},
      {"[]", "[]."},
      {"{}", "{}."},
      {"[ 1 , -2.5e+3 , \"x\" ]", "[nns]."},
      {R"({"a":1,"b":[{},[false]],"c":{"d":null}})",
       "{kn"
       "k[{}[f]]"
       "k{kz}}."},
      {"\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"", "s."},
      {R"("\u00e4\ud83d\ude00\n\/")", "s."},
      {"1E5", "n."},
      {"-0", "n."},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(tokens(text), expected) << text;
}

TEST(JsonReader, RefusesWhatIsNotJson) {
  for (const std::string_view text : {"",
                                      " ",
                                      "01",
                                      "-",
                                      "+1",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "1e+",
                                      "tru",
                                      "True",
                                      "nul",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{\"a\" 1}",
                                      "{1:2}",
                                      "[",
                                      "{",
                                      "]",
                                      "}",
                                      "[}",
                                      "{]",
                                      "[1",
                                      "\"",
                                      "\"\\\"",
                                      "\"\\x\"",
                                      "\"\\u12g4\"",
                                      "\"\\ud800\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\udc00\"",
                                      "\"\t\"",
                                      "\"\n\"",
                                      "1 2",
                                      "{} x",
                                      "// a\n1",
                                      "NaN",
                                      "Infinity",
                                      "0x1",
                                      "'a'",
                                      "\"\x80\"",
                                      "\"\xc0\xaf\"",
                                      "\"\xed\xa0\x80\"",
                                      "\"\xf4\x90\x80\x80\"",
                                      "\"\xe2\x82\"",
                                      "\xef\xbb\xbf"
                                      "1"}) {
    EXPECT_EQ(tokens(text).back(), '!') << text;
  }
}

TEST(JsonReader, NestsThirtyTwoDeepAndNoDeeper) {
  const std::string deep(Reader::kMaxDepth, '[');
  EXPECT_EQ(tokens(deep + std::string(Reader::kMaxDepth, ']')).back(), '.');
  EXPECT_EQ(tokens("[" + deep + std::string(Reader::kMaxDepth + 1, ']')).back(), '!');
}

TEST(JsonReader, StaysAtItsFirstError) {
  Reader in("[1 x]");
  EXPECT_EQ(in.next(), Token::kArray);
  EXPECT_EQ(in.next(), Token::kNumber);
  EXPECT_EQ(in.next(), Token::kError);
  EXPECT_EQ(in.position(), 3U);
  EXPECT_EQ(in.next(), Token::kError);
  EXPECT_FALSE(in.skip());
}

TEST(JsonReader, SkipsWholeValuesAndFindsWhatIsAskedFor) {
  Reader in(R"({"a":[1,{"port":7}],"n\u0061me":"x","port":8080,"on":true,"off":"no"})");
  ASSERT_EQ(in.next(), Token::kObject);
  std::string names;
  std::optional<std::int64_t> port;
  std::optional<bool> on;
  std::optional<bool> off = true;
  while (in.next() == Token::kKey) {
    if (in.is("port")) {
      port = in.next_integer();
    } else if (in.is("on")) {
      on = in.next_bool();
    } else if (in.is("off")) {
      off = in.next_bool();
    } else {
      names += in.is("name") ? "name " : "other ";
      EXPECT_TRUE(in.skip());
    }
  }
  EXPECT_EQ(in.token(), Token::kObjectEnd);
  EXPECT_EQ(in.next(), Token::kEnd);
  EXPECT_EQ(names, "other name ");
  EXPECT_EQ(port, 8080);
  EXPECT_EQ(on, true);
  EXPECT_FALSE(off.has_value());
}

TEST(JsonReader, UndoesEscapes) {
  Reader in(R"("a\"\\\/\b\f\n\r\t\u00e4\u20ac\ud83d\ude00z")");
  ASSERT_EQ(in.next(), Token::kString);
  Text<64> text;
  in.write_string(text);
  EXPECT_EQ(text.view(), "a\"\\/\b\f\n\r\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z");
}

TEST(JsonReader, ScalesNumbersToIntegersAndStopsAtTheirBounds) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  struct Case {
    std::string_view text;
    int power;
    std::int64_t value;
  };
  for (const Case& c :
       {Case{"0", 9, 0}, Case{"-17", 0, -17}, Case{"1.5", 3, 1500}, Case{"1.5", 0, 1},
        Case{"-1.9", 0, -1}, Case{"0.00017837884724699972", 9, 178378}, Case{"1.2e-05", 9, 12000},
        Case{"2E3", 0, 2000}, Case{"9223372036854775807", 0, kMax},
        Case{"18446744073709551615", 0, kMax}, Case{"1e400", 0, kMax}, Case{"-1e400", 0, -kMax},
        Case{"1e-400", 0, 0}, Case{"0e99999999999", 0, 0},
        Case{"1.00000000000000000000000000001", 2, 100},
        Case{"100000000000000000000000000e-24", 0, 100}, Case{"1e99999999999999999999", 0, kMax}}) {
    Reader in(c.text);
    ASSERT_EQ(in.next(), Token::kNumber) << c.text;
    EXPECT_EQ(in.integer(c.power), c.value) << c.text;
  }
}

TEST(JsonWriter, WritesWhatTheReaderReads) {
  Text<400> text;
  Writer out(text);
  out.object()
      .field("n", 12U)
      .field("m", -3)
      .field("yes", true)
      .field("s",
             "a\"b\\c\x01"
             "\n");
  out.key("list")
      .array()
      .value(1)
      .value("two")
      .object()
      .end_object()
      .array()
      .end_array()
      .end_array();
  out.key("half")
      .decimal(500, 3)
      .key("less")
      .decimal(-1'000'000'001, 9)
      .key("whole")
      .decimal(7, 0)
      .end_object();
  EXPECT_EQ(
      text.view(),
      R"({"n":12,"m":-3,"yes":true,"s":"a\"b\\c\u0001\u000a","list":[1,"two",{},[]],"half":0.500,)"
      R"("less":-1.000000001,"whole":7})");
  EXPECT_EQ(tokens(text.view()), "{knknktksk[ns{}[]]knknkn}.");
}

}  // namespace
}  // namespace fata::json
