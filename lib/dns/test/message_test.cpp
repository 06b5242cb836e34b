#include "fata/dns/message.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "decode.hpp"
#include "fata/dns/rdata.hpp"

namespace fata::dns::test {
namespace {

Name name(const std::string& text) { return *Name::from_text(text); }
std::string shown(const Name& name) {
  Text<1100> text(std::in_place, name);
  return std::string(text.view());
}

// RFC 1035 section 4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92.
TEST(Reader, FollowsTheExampleOfRfc1035) {
  std::vector<std::uint8_t> bytes(93);
  const auto put = [&bytes](std::size_t at, std::string_view text) {
    std::ranges::copy(text, bytes.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(20, std::string_view("\1F\3ISI\4ARPA\0", 12));
  put(40, "\3FOO\xc0\x14");
  put(64, "\xc0\x1a");
  const std::pair<std::size_t, const char*> cases[] = {
      {20, "F.ISI.ARPA."}, {40, "FOO.F.ISI.ARPA."}, {64, "ARPA."}, {92, "."}};
  for (const auto& [at, text] : cases) {
    Reader reader(as_span(bytes));
    reader.seek(at);
    const auto read = reader.name();
    ASSERT_TRUE(read.has_value()) << text;
    EXPECT_EQ(shown(*read), text);
  }
}

TEST(Reader, RefusesNamesThatLoopOrEndTooEarly) {
  struct Case {
    const char* what;
    std::vector<std::uint8_t> bytes;
    std::size_t at;
    Errc error;
  };
  const Case cases[] = {
      {"a pointer to itself", {0xc0, 0}, 0, Errc::kBadPointer},
      {"a pointer forwards", {0xc0, 2, 0}, 0, Errc::kBadPointer},
      {"two pointers at each other", {0xc0, 2, 0xc0, 0}, 2, Errc::kBadPointer},
      {"a label that leads into itself", {1, 'a', 0xc0, 0}, 0, Errc::kBadPointer},
      {"half a pointer", {0, 0xc0}, 1, Errc::kTruncated},
      {"a label cut short", {3, 'a', 'b'}, 0, Errc::kTruncated},
      {"no end", {1, 'a'}, 0, Errc::kTruncated},
      {"nothing", {}, 0, Errc::kTruncated},
      {"a reserved label type", {0x40, 0}, 0, Errc::kBadLabel},
      {"another reserved label type", {0x80, 0}, 0, Errc::kBadLabel},
  };
  for (const Case& c : cases) {
    Reader reader(as_span(c.bytes));
    reader.seek(c.at);
    const auto read = reader.name();
    ASSERT_FALSE(read.has_value()) << c.what;
    EXPECT_EQ(read.error(), c.error) << c.what;
    EXPECT_EQ(reader.header().error(), c.error) << "the first error stays";
  }
}

TEST(Reader, RefusesNamesThatPointersMakeTooLong) {
  std::vector<std::uint8_t> bytes;
  // Each name is one label and a pointer to the previous name; the fifth has over 255 octets.
  std::size_t last = 0;
  for (int i = 0; i < 5; ++i) {
    const std::size_t here = bytes.size();
    bytes.push_back(63);
    bytes.insert(bytes.end(), 63, 'x');
    if (i == 0) {
      bytes.push_back(0);
    } else {
      bytes.push_back(static_cast<std::uint8_t>(0xc0 | last >> 8));
      bytes.push_back(static_cast<std::uint8_t>(last));
    }
    last = here;
    Reader reader(as_span(bytes));
    reader.seek(here);
    EXPECT_EQ(reader.name().has_value(), i < 3) << i;
  }
}

TEST(Writer, CompressesToTheLongestKnownSuffix) {
  std::vector<std::byte> out(512);
  Writer writer(out);
  writer.bytes(Bytes(out).first(kHeaderSize));
  writer.name(name("www.example.org."));     // 12, 17 octets
  writer.name(name("WWW.Example.org."));     // 29: a pointer
  writer.name(name("ftp.example.org."));     // 31: a label and a pointer
  writer.name(name("org."));                 // 37: a pointer
  writer.name(name("example.org."), false);  // 39: in full
  writer.name(name("."));                    // 52
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.position(), 53U);
  EXPECT_EQ(load_be<std::uint16_t>(Bytes(out).subspan(29)), 0xc000U + 12);
  EXPECT_EQ(load_be<std::uint16_t>(Bytes(out).subspan(35)), 0xc000U + 16);
  EXPECT_EQ(load_be<std::uint16_t>(Bytes(out).subspan(37)), 0xc000U + 24);
  EXPECT_EQ(writer.pointers().size(), 3U);
  Reader reader(writer.written());
  reader.seek(31);
  EXPECT_EQ(shown(*reader.name()), "ftp.example.org.");
}

// Suffixes of these names have equal hashes. The rest of the buffer, here pointers beyond its end,
// must not be read.
TEST(Writer, ANameIsNotComparedWithItself) {
  for (const char label : {'3', 'j', 'x'}) {
    std::string text;
    for (int i = 0; i < 126; ++i) text += {label, '.'};
    std::vector<std::byte> out(512, std::byte{0xff});
    Writer writer(out);
    writer.bytes(std::vector<std::byte>(kHeaderSize));
    writer.question(name(text), Type{1}, Class{1});
    EXPECT_TRUE(writer.ok());
    EXPECT_TRUE(equal_bytes(writer.written().subspan(kHeaderSize, 253), name(text).wire()));
  }
}

// The part of a name that still fitted ends in whatever the buffer held.
TEST(Writer, ANameThatDidNotFitIsNotCompared) {
  std::vector<std::byte> out(40, std::byte{0xff});
  Writer writer(out);
  writer.bytes(std::vector<std::byte>(kHeaderSize));
  writer.name(name("a.long-label.which-does-not-fit."));
  EXPECT_FALSE(writer.ok());
  writer.name(name("a.long-label.which-does-not-fit."));
  writer.name(name("long-label.which-does-not-fit."));
  EXPECT_FALSE(writer.ok());
}

TEST(Writer, OnlyTheOldTypesAreCompressedInside) {
  for (const auto& [type, text, compressed] :
       {std::tuple{Type::kMx, "10 mail.example.org.", true},
        {Type::kNs, "ns.example.org.", true},
        {Type::kSoa, "a.example.org. b.example.org. 1 2 3 4 5", true},
        {Type::kSrv, "1 2 3 a.example.org.", false},
        {Type::kDname, "a.example.org.", false},
        {Type::kNaptr, "1 1 u x y a.example.org.", false},
        {Type::kHttps, "1 a.example.org.", false}}) {
    std::array<std::byte, 512> rdata, out{};
    const auto size = parse_rdata(type, text, nullptr, rdata);
    ASSERT_TRUE(size.has_value()) << text;
    Writer writer(out);
    writer.bytes(Bytes(out).first(kHeaderSize));
    writer.name(name("example.org."));
    const std::size_t start = writer.position();
    writer.rdata(type, Bytes(rdata).first(*size));
    EXPECT_EQ(writer.position() - start < *size, compressed) << text;
  }
}

TEST(Writer, WhatDoesNotFitLeavesNothingAfterRewinding) {
  std::vector<std::byte> out(40);
  Writer writer(out);
  writer.bytes(Bytes(out).first(kHeaderSize));
  writer.reserve_tail(kOptSize);
  const std::size_t start = writer.position();
  writer.name(name("a-long.example.org."));
  EXPECT_FALSE(writer.ok());
  writer.rewind(start);
  EXPECT_TRUE(writer.ok());
  writer.name(name("example."));
  EXPECT_TRUE(writer.ok()) << "and no pointer leads to what was taken back";
  EXPECT_EQ(writer.position(), start + 9);
  writer.reserve_tail(0);
  writer.opt(1232, {});
  EXPECT_TRUE(writer.ok());
}

TEST(Writer, RandomMessagesAreReadBack) {
  std::mt19937 random(7);
  const std::string labels[] = {"a", "B", "cc", "Dd", "example", "org"};
  for (int round = 0; round < 300; ++round) {
    std::vector<std::byte> out(65535);
    Writer writer(out);
    writer.bytes(Bytes(out).first(kHeaderSize));
    std::vector<std::string> names;
    for (int i = 0; i < 40; ++i) {
      std::string text;
      for (unsigned n = random() % 6; n != 0; --n) text += labels[random() % 6] + ".";
      if (text.empty()) text = ".";
      names.push_back(text);
      writer.name(name(text), random() % 4 != 0);
    }
    ASSERT_TRUE(writer.ok());
    Reader reader(writer.written());
    reader.seek(kHeaderSize);
    for (const std::string& text : names) {
      const auto read = reader.name();
      ASSERT_TRUE(read.has_value());
      EXPECT_TRUE(same_name(*read, name(text))) << shown(*read) << " for " << text;
    }
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(Edns, WhatIsWrittenIsRead) {
  std::vector<std::byte> out(64);
  Writer writer(out);
  writer.opt(4096, {.version = 1, .extended_rcode = 2, .dnssec_ok = true});
  Reader reader(writer.written());
  const auto record = reader.record();
  ASSERT_TRUE(record.has_value());
  const auto edns = read_edns(*record);
  ASSERT_TRUE(edns.has_value());
  EXPECT_EQ(edns->payload, 4096);
  EXPECT_EQ(edns->version, 1);
  EXPECT_EQ(edns->extended_rcode, 2);
  EXPECT_TRUE(edns->dnssec_ok);
}

TEST(Errors, EachHasAMessage) {
  for (std::uint32_t code = 1; code <= static_cast<std::uint32_t>(Errc::kNoRoom); ++code) {
    Text<128> text(std::in_place, Error(static_cast<Errc>(code)));
    EXPECT_TRUE(text.view().starts_with("dns: ")) << code;
    EXPECT_EQ(text.view().find("unknown error"), std::string_view::npos) << code;
  }
}

}  // namespace
}  // namespace fata::dns::test
