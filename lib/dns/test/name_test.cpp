#include "fata/dns/name.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace fata::dns::test {
namespace {

std::string shown(const Name& name) {
  Text<1100> text(std::in_place, name);
  return std::string(text.view());
}

TEST(Name, TextSurvivesBothWays) {
  for (const char* text : {".", "example.org.", "a\\.b.example.", "\\000\\255.x.", "a\\\\b.",
                           "*.example.", "sp\\032ace.", "\\@.\\$\\;\\(\\)\\\".example."}) {
    const auto name = Name::from_text(text);
    ASSERT_TRUE(name.has_value()) << text;
    EXPECT_EQ(shown(*name), text);
  }
}

TEST(Name, EscapesAreDecoded) {
  const auto name = Name::from_text("\\097\\b\\.c.");
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(as_text(name->wire()), std::string_view("\4ab.c\0", 6));
}

TEST(Name, RelativeNamesNeedAnOrigin) {
  const auto origin = Name::from_text("example.org.");
  ASSERT_TRUE(origin.has_value());
  EXPECT_EQ(shown(*Name::from_text("www", &*origin)), "www.example.org.");
  EXPECT_EQ(shown(*Name::from_text("a.b", &*origin)), "a.b.example.org.");
  EXPECT_EQ(shown(*Name::from_text("a.b.", &*origin)), "a.b.");
  EXPECT_EQ(Name::from_text("www").error(), Errc::kRelativeName);
}

TEST(Name, WrongTextIsRefusedWithItsReason) {
  const std::string label(63, 'x');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'y') + ".";
  const std::pair<std::string, Errc> cases[] = {
      {"", Errc::kEmptyLabel},          {"a..b.", Errc::kEmptyLabel},
      {".a.", Errc::kEmptyLabel},       {"..", Errc::kEmptyLabel},
      {"a\\", Errc::kBadEscape},        {"a\\25.", Errc::kBadEscape},
      {"\\256.", Errc::kBadEscape},     {std::string(64, 'x') + ".", Errc::kBadLabel},
      {"z" + longest, Errc::kBadLabel}, {"a." + longest, Errc::kNameTooLong}};
  for (const auto& [text, error] : cases) {
    const auto name = Name::from_text(text);
    ASSERT_FALSE(name.has_value()) << text;
    EXPECT_EQ(name.error(), error) << text;
  }
  EXPECT_EQ(Name::from_text(longest)->wire().size(), 255U);
  const auto origin = Name::from_text("ab.");
  EXPECT_FALSE(Name::from_text(longest.substr(0, longest.size() - 1), &*origin).has_value());
}

TEST(Name, ComparingIgnoresAsciiCaseOnly) {
  const auto same = [](const char* a, const char* b) {
    return same_name(*Name::from_text(a), *Name::from_text(b));
  };
  EXPECT_TRUE(same("Example.ORG.", "eXAMPLE.org."));
  EXPECT_FALSE(same("example.org.", "example.com."));
  EXPECT_FALSE(same("a.b.", "ab."));
  EXPECT_FALSE(same("\\193.", "\\225.")) << "RFC 4343: no other letters";
  EXPECT_FALSE(same("@.", "`.")) << "neighbours of the letters are not letters";
  EXPECT_FALSE(same("[.", "{."));
}

TEST(Name, LowerNamesOfEverySizeHoldEachOctet) {
  std::mt19937 random(11);
  LowerName reused;
  for (std::size_t size = kMaxName; size > 0; --size) {
    std::vector<std::byte> wire(size);
    for (std::byte& octet : wire) octet = static_cast<std::byte>(random());
    const std::uint64_t hash = reused.assign(wire);  // replaces a longer one
    ASSERT_EQ(reused.wire().size(), size);
    for (std::size_t i = 0; i < size; ++i) {
      const auto octet = std::to_integer<unsigned>(wire[i]);
      const unsigned wanted = octet >= 'A' && octet <= 'Z' ? octet + 32 : octet;
      ASSERT_EQ(std::to_integer<unsigned>(reused.wire()[i]), wanted) << size << ", " << i;
    }
    EXPECT_EQ(hash, reused.hash()) << size;
    const std::size_t from = random() % size;
    EXPECT_EQ(reused.hash(from), LowerName(Bytes(wire).subspan(from)).hash())
        << size << ", " << from;
  }
}

TEST(Name, LowerNamesHashEquallyExactlyWhenTheyAreEqual) {
  std::vector<std::uint64_t> hashes;
  std::string text;
  for (int i = 0; i < 60; ++i) {
    text += static_cast<char>('A' + i % 26);
    const LowerName upper(*Name::from_text(text + ".Example."));
    std::string small = text;
    for (char& c : small) c = static_cast<char>(std::tolower(c));
    const LowerName lower(*Name::from_text(small + ".example."));
    EXPECT_EQ(upper.hash(), lower.hash()) << text;
    EXPECT_TRUE(equal_bytes(upper.wire(), lower.wire()));
    EXPECT_EQ(upper.hash(text.size() + 1), LowerName(*Name::from_text("example.")).hash())
        << "a suffix's hash is the name's";
    for (const std::uint64_t other : hashes) EXPECT_NE(upper.hash(), other);
    hashes.push_back(upper.hash());
  }
}

TEST(Name, AncestorsAreFoundAtLabelsOnly) {
  const auto under = [](const char* a, const char* b) {
    return is_under(*Name::from_text(a), *Name::from_text(b));
  };
  EXPECT_TRUE(under("a.example.", "example."));
  EXPECT_TRUE(under("EXAMPLE.", "example."));
  EXPECT_TRUE(under("example.", "."));
  EXPECT_FALSE(under("example.", "a.example."));
  EXPECT_FALSE(under("badexample.", "example."));
  EXPECT_FALSE(under("x\\007example.", "example.")) << "an octet that looks like a length";
}

TEST(Name, WireBytesMustBeOneWholeName) {
  const auto ok = [](std::string_view bytes) {
    return Name::from_wire(as_bytes(bytes)).has_value();
  };
  EXPECT_TRUE(ok(std::string_view("\0", 1)));
  EXPECT_TRUE(ok(std::string_view("\1a\0", 3)));
  EXPECT_FALSE(ok(""));
  EXPECT_FALSE(ok("\1a"));
  EXPECT_FALSE(ok(std::string_view("\1a\0x", 4)));
  EXPECT_FALSE(ok(std::string_view("\xc0\0", 2)));
}

}  // namespace
}  // namespace fata::dns::test
