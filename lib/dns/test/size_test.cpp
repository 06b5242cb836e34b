// Answers that fit a message, and the handling of those that do not.
#include <gmock/gmock.h>

#include "decode.hpp"
#include "zones.hpp"

namespace fata::dns::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr unsigned kAType = 1, kNsType = 2, kMxType = 15, kTxtType = 16;

TEST(AnswerSizes, WhatDoesNotFitIsTruncatedAndComesOverTcp) {
  Engine engine = engine_with({kExampleZone});
  const Decoded plain = resolve(engine, {.name = "big.example.", .type = kTxtType});
  EXPECT_TRUE(plain.ok && plain.tc());
  EXPECT_THAT(plain.answer, IsEmpty());
  EXPECT_EQ(plain.rcode(), 0U);
  const Decoded small = resolve(engine, {.name = "big.example.", .type = kTxtType, .payload = 100});
  EXPECT_TRUE(small.tc() && small.has_opt) << "a payload below 512 counts as 512";
  EXPECT_FALSE(resolve(engine, {.name = "big.example.", .type = kTxtType, .payload = 600}).tc());
  EXPECT_FALSE(resolve(engine, {.name = "big.example.", .type = kTxtType}, Transport::kTcp).tc());
}

std::string many(unsigned count, const std::string& record) {
  std::string text = "$ORIGIN m.test.\n$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS ns\n";
  for (unsigned i = 0; i < count; ++i) {
    std::string line = record;
    for (std::size_t at; (at = line.find('#')) != std::string::npos;)
      line.replace(at, 1, std::to_string(i));
    text += line + "\n";
  }
  return text;
}

TEST(AnswerSizes, TheSizeIsTheLesserOfClientsAndServers) {
  const std::string text = many(200, "many A 10.0.0.#");
  for (const auto& [payload, limit] : {std::pair{4096, 1400}, {1232, 1232}, {4096, 4000}}) {
    Engine engine = engine_with({text}, {.udp_payload = static_cast<std::uint16_t>(limit)});
    const auto query = query_bytes({.name = "many.m.test.", .type = kAType, .payload = payload});
    const auto bytes = answer_bytes(engine, query, Transport::kUdp);
    const Decoded got = decode(as_span(bytes));
    EXPECT_LE(bytes.size(), static_cast<std::size_t>(std::min(payload, limit)));
    EXPECT_EQ(got.opt_payload, static_cast<unsigned>(limit));
    EXPECT_EQ(got.tc(), std::min(payload, limit) < 12 + 17 + 11 + 200 * 16);
  }
}

TEST(AnswerSizes, AdditionalRecordsAreLeftOutWithoutTruncation) {
  Engine engine = engine_with({many(
      20, "@ MX 1 a-rather-long-name-of-a-host-#\na-rather-long-name-of-a-host-# A 10.0.0.#")});
  const Decoded got = resolve(engine, {.name = "m.test.", .type = kMxType, .payload = 1232});
  EXPECT_TRUE(got.ok && !got.tc());
  EXPECT_EQ(got.answer.size(), 20U);
  EXPECT_LT(got.additional.size(), 20U);
  EXPECT_GT(got.additional.size(), 0U);
  EXPECT_EQ(
      resolve(engine, {.name = "m.test.", .type = kMxType}, Transport::kTcp).additional.size(),
      20U);
}

// A TXT record of `strings` strings of 255 octets, and one more of `last`.
std::string long_text(unsigned strings, unsigned last) {
  std::string text = "x TXT";
  for (unsigned i = 0; i < strings; ++i) text += " " + std::string(255, 'a');
  return many(1, text + " " + std::string(last, 'b'));
}

TEST(AnswerSizes, ASetThatFitsAMessageIsServedWhole) {
  // Header, question, record without rdata and OPT leave room for 65486 octets.
  for (const auto& [strings, last] : {std::pair{252U, 1U}, {255U, 205U}}) {
    Engine engine = engine_with({long_text(strings, last)});
    for (const int payload : {-1, 1232}) {
      const Decoded got = resolve(
          engine, {.name = "x.m.test.", .type = kTxtType, .payload = payload}, Transport::kTcp);
      EXPECT_TRUE(got.ok && !got.tc()) << strings;
      ASSERT_EQ(got.answer.size(), 1U);
      EXPECT_GT(got.answer.front().size(), 255 * strings + last);
      EXPECT_TRUE(
          resolve(engine, {.name = "x.m.test.", .type = kTxtType, .payload = payload}).tc());
    }
  }
}

TEST(AnswerSizes, ASetThatFitsNoMessageIsRefused) {
  Engine engine;
  const auto loaded = engine.load("zone", long_text(255, 206));
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().reason, "the records of this name and type do not fit one message");
}

TEST(AnswerSizes, AReferralWithoutRoomForItsGlueIsTruncated) {
  Engine engine = engine_with({many(
      12,
      "cut NS a-rather-long-name-of-a-host-#.cut\na-rather-long-name-of-a-host-#.cut AAAA ::#")});
  const Decoded got = resolve(engine, {.name = "x.cut.m.test.", .type = kAType});
  EXPECT_TRUE(got.ok && got.tc()) << "RFC 9471";
  EXPECT_EQ(
      resolve(engine, {.name = "x.cut.m.test.", .type = kAType}, Transport::kTcp).additional.size(),
      12U);
}

TEST(AnswerSizes, GlueIsNoAdditionalDataButForNameServers) {
  Engine engine = engine_with(
      {many(1, "@ MX 1 a.cut\n@ NS b.cut\ncut NS c.test.\na.cut A 10.0.0.1\nb.cut A 10.0.0.2")});
  EXPECT_THAT(resolve(engine, {.name = "m.test.", .type = kMxType}).additional, IsEmpty());
  EXPECT_THAT(resolve(engine, {.name = "m.test.", .type = kNsType}).additional,
              ElementsAre("b.cut.m.test. 60 A 10.0.0.2"));
}

}  // namespace
}  // namespace fata::dns::test
