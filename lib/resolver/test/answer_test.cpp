#include "fata/resolver/answer.hpp"

#include <gtest/gtest.h>

#include "fata/dns/message.hpp"
#include "fata/dns/rdata.hpp"

namespace fata::resolver {
namespace {

using dns::Type;
using Kind = Answer::Kind;

dns::Name name_of(std::string_view text) { return dns::Name::from_text(text).value(); }

struct Record {
  std::string_view owner;
  Type type;
  std::uint32_t ttl;
  std::string_view rdata;  // text
};

// A response to "www.test. A".
std::vector<std::byte> response(std::vector<Record> answer, std::vector<Record> authority = {},
                                std::uint16_t flags = 0x8180) {
  std::vector<std::byte> out(2000);
  dns::Writer writer{MutableBytes(out)};
  for (int i = 0; i < 3; ++i) writer.u32(0);
  writer.question(name_of("www.test."), Type::kA, dns::Class::kIn);
  for (const auto* section : {&answer, &authority}) {
    for (const Record& each : *section) {
      std::array<std::byte, 600> rdata;
      const auto size = dns::parse_rdata(each.type, each.rdata, nullptr, rdata);
      const auto mark =
          writer.begin_record(name_of(each.owner), each.type, dns::Class::kIn, each.ttl);
      writer.rdata(each.type, Bytes(rdata).first(size.value()));
      writer.end_rdata(mark);
    }
  }
  writer.header({.flags = flags,
                 .questions = 1,
                 .answers = static_cast<std::uint16_t>(answer.size()),
                 .authorities = static_cast<std::uint16_t>(authority.size())});
  out.resize(writer.position());
  return out;
}

constexpr Record kSoa{"test.", Type::kSoa, 100, "ns.test. h.test. 1 2 3 4 50"};

TEST(Answer, FollowsAliasesInAnyOrderAndTakesTheLowestTtl) {
  const Answer answer = read_answer(response({{"b.test.", Type::kA, 300, "192.0.2.2"},
                                              {"a.test.", Type::kCname, 20, "b.test."},
                                              {"www.test.", Type::kCname, 200, "a.test."},
                                              {"b.test.", Type::kA, 400, "192.0.2.3"}}),
                                    name_of("www.test."), Type::kA);
  EXPECT_EQ(answer.kind, Kind::kRecords);
  EXPECT_EQ(answer.records.bytes.size(), 12U);
  EXPECT_EQ(answer.records.ttl, 20U);
}

TEST(Answer, IgnoresRecordsThatAreNotOnTheChain) {
  const Answer answer = read_answer(response({{"bank.test.", Type::kA, 300, "192.0.2.66"},
                                              {"www.test.", Type::kAaaa, 300, "2001:db8::66"},
                                              {"www.test.", Type::kA, 300, "192.0.2.1"}}),
                                    name_of("www.test."), Type::kA);
  EXPECT_EQ(answer.kind, Kind::kRecords);
  EXPECT_EQ(answer.records.bytes.size(), 6U);
}

TEST(Answer, IsNegativeForAsLongAsTheSoaSays) {
  const auto read = [](const std::vector<std::byte>& message) {
    return read_answer(message, name_of("www.test."), Type::kA);
  };
  Answer answer = read(response({}, {kSoa}));
  EXPECT_EQ(answer.kind, Kind::kNoData);
  EXPECT_EQ(answer.records.ttl, 50U);
  answer = read(response({}, {kSoa}, 0x8183));
  EXPECT_EQ(answer.kind, Kind::kNotFound);
  EXPECT_EQ(answer.records.ttl, 50U);
  // Of another zone, and none.
  for (const auto& message :
       {response({}, {{"other.", Type::kSoa, 100, kSoa.rdata}}), response({})}) {
    answer = read(message);
    EXPECT_EQ(answer.kind, Kind::kNoData);
    EXPECT_EQ(answer.records.ttl, 0U);
  }
}

TEST(Answer, EndsWithAnAliasThatTheServerDidNotFollow) {
  const Answer answer = read_answer(response({{"www.test.", Type::kCname, 9, "x.example."}}),
                                    name_of("www.test."), Type::kA);
  EXPECT_EQ(answer.kind, Kind::kAlias);
  EXPECT_TRUE(dns::same_name(answer.target, name_of("x.example.")));
  EXPECT_EQ(answer.records.ttl, 9U);
}

TEST(Answer, LoopsOfAliasesAndReferralsAreNone) {
  EXPECT_EQ(read_answer(response({{"www.test.", Type::kCname, 9, "a.test."},
                                  {"a.test.", Type::kCname, 9, "www.test."}}),
                        name_of("www.test."), Type::kA)
                .kind,
            Kind::kBad);
  const Answer referral = read_answer(response({}, {{"test.", Type::kNs, 9, "ns.test."}}, 0x8100),
                                      name_of("www.test."), Type::kA);
  EXPECT_EQ(referral.kind, Kind::kFailed);
  EXPECT_EQ(referral.rcode, 5U);
}

TEST(Answer, CutAnywhereIsBad) {
  const auto whole = response({{"www.test.", Type::kA, 300, "192.0.2.1"}}, {kSoa});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(read_answer(Bytes(whole).first(size), name_of("www.test."), Type::kA).kind,
              Kind::kBad)
        << size;
  }
}

TEST(Answer, TtlsHaveABound) {
  const auto ttl = [](std::uint32_t given) {
    return read_answer(response({{"www.test.", Type::kA, given, "192.0.2.1"}}),
                       name_of("www.test."), Type::kA)
        .records.ttl;
  };
  EXPECT_EQ(ttl(5), 5U);
  EXPECT_EQ(ttl(0x7fffffff), kMaxTtl);
  EXPECT_EQ(ttl(0x80000000), 0U);
}

}  // namespace
}  // namespace fata::resolver
