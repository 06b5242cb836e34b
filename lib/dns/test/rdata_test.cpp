#include "fata/dns/rdata.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace fata::dns::test {
namespace {

std::string hex(Bytes bytes) {
  std::string out;
  for (const std::byte octet : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned>(octet) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned>(octet) & 15];
  }
  return out;
}

struct Case {
  const char* type;
  const char* text;
  const char* wire;
};

const Case kGood[] = {
    {"A", "192.0.2.1", "c0000201"},
    {"AAAA", "2001:db8::1", "20010db8000000000000000000000001"},
    {"AAAA", "::", "00000000000000000000000000000000"},
    {"AAAA", "1:2:3:4:5:6:7:8", "00010002000300040005000600070008"},
    {"AAAA", "1:2:3:4:5:6:7::", "00010002000300040005000600070000"},
    {"AAAA", "::ffff:192.0.2.1", "00000000000000000000ffffc0000201"},
    {"NS", "ns", "026e73017800"},
    {"NS", "@", "017800"},
    {"CNAME", "a.b.", "0161016200"},
    {"MX", "10 mail.", "000a046d61696c00"},
    {"SOA", "a. b. 1 2h 3m 1w 5", "0161000162000000000100001c20000000b400093a8000000005"},
    {"TXT", "abc \"d e\" \"\"",
     "03616263036420650"
     "0"},
    {"TXT", "\"a;b\\\"c\\010\"", "06613b6222630a"},
    {"SRV", "1 2 443 a.", "0001000201bb016100"},
    {"CAA", "128 issue \"ca.example; x=y\"", "8005697373756563612e6578616d706c653b20783d79"},
    {"HINFO", "PDP-11 \"UNIX V7\"", "065044502d313107554e4958205637"},
    {"NAPTR", "100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:a@b!\" .",
     "0064000a01750745325"
     "52b7369700e215e2e2a24217369703a6140622100"},
    {"DS", "60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118",
     "ec450501"
     "2bb183af5f22588179a53b0a98631fad1a292118"},
    {"DS", "1 ECDSAP256SHA256 2 000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f",
     "00010d02000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
    {"DNSKEY", "256 3 5 AQPS KmynfzW4 kyBv015M",
     "01000305"
     "0103d22a6ca77f35b893206fd35e4c"},
    // Dates before 1970 wrap around, as in BIND and NSD.
    {"RRSIG", "A 8 2 300 19690101000000 19000101000000 1 e. AQID",
     "000108020000012cfe1ecc807c5581800001016500010203"},
    {"RRSIG", "A 5 3 86400 20030322173103 20030220173103 2642 example.com. oJB1",
     "00010503000151803e7c9dd73e5510d7"
     "0a52076578616d706c6503636f6d00a09075"},
    {"NSEC", "host.example.com. A MX RRSIG NSEC TYPE1234",
     "04686f7374076578616d706c6503636f6d00"
     "0006400100000003"
     "041b000000000000000000000000000000000000000000000000000020"},
    {"NSEC3", "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG",
     "0101000c04aabbccdd14174eb2409fe28bcb4887a1836f957f0a8425e27b000722010000000290"},
    {"NSEC3PARAM", "1 0 12 -", "0100000c00"},
    {"TLSA", "3 1 1 0a0B", "0301010a0b"},
    {"SSHFP", "4 2 0123 45", "0402012345"},
    // RFC 9460 appendix D.
    {"SVCB", "0 foo.example.com.", "000003666f6f076578616d706c6503636f6d00"},
    {"HTTPS", "1 .", "000100"},
    {"SVCB", "16 foo.example.com. port=53", "001003666f6f076578616d706c6503636f6d00000300020035"},
    {"SVCB", "1 foo.example.com. key667=hello",
     "000103666f6f076578616d706c6503636f6d00029b000568656c6c6f"},
    {"SVCB", "1 foo.example.com. key667=\"hello\\210qoo\"",
     "000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f"},
    {"SVCB", "1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
     "000103666f6f076578616d706c6503636f6d000006002020010db800000000000000000000000120010db80000000"
     "0000000000"
     "0530001"},
    {"SVCB", "16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
     "001003666f6f076578616d706c65036f72670000000004000100040001000902683205"
     "68332d313900040004c0000201"},
    {"SVCB", "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
     "001003666f6f076578616d706c65036f726700"
     "0001000c08665c6f6f2c626172026832"},
    {"SVCB", "16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
     "001003666f6f076578616d706c65036f726700"
     "0001000c08665c6f6f2c626172026832"},
    // A key given by number takes its value in wire form (RFC 9460 section 2.1).
    {"SVCB", "1 . key1=\\002h2 key3=\\001\\187", "000100000100030268320003000201bb"},
    {"SVCB", "1 . no-default-alpn= alpn=h2", "0001000001000302683200020000"},
    {"SVCB", "1 . dohpath=/q{?dns} ohttp tls-supported-groups=29,23",
     "000100000700082f717b3f646e737d0008000000090004001d0017"},
    {"SVCB", "1 . mandatory=key3 port=1", "000100000000020003000300020001"},
    {"TYPE731", "\\# 6 abcd ef01 2345", "abcdef012345"},
    {"TYPE62347", "\\# 0", ""},
    {"TXT", "\\# text", "01230474657874"},
    {"TXT", "\"\\#\" 2", "01230132"},
    {"A", "\\# 4 0A000001", "0a000001"},
    {"MX", "\\# 5 000a 016100", "000a016100"},
};

TEST(RdataText, BecomesWireBytes) {
  const auto origin = Name::from_text("x.");
  std::array<std::byte, 1024> out;
  for (const Case& c : kGood) {
    const auto type = type_from_text(c.type);
    ASSERT_TRUE(type.has_value()) << c.type;
    const auto size = parse_rdata(*type, c.text, &*origin, out);
    ASSERT_TRUE(size.has_value()) << c.type << " " << c.text << ": " << size.error().reason;
    EXPECT_EQ(hex(Bytes(out).first(*size)), c.wire) << c.type << " " << c.text;
    EXPECT_TRUE(valid_rdata(*type, Bytes(out).first(*size))) << c.type << " " << c.text;
  }
}

TEST(RdataText, CutOrLengthenedWireBytesAreNotValid) {
  const auto origin = Name::from_text("x.");
  std::array<std::byte, 1024> out;
  for (const Case& c : kGood) {
    const Type type = *type_from_text(c.type);
    const auto size = parse_rdata(type, c.text, &*origin, out);
    const std::string_view shape = rdata_shape(type);
    if (!size || shape.empty()) continue;
    out[*size] = std::byte{1};
    // Types whose last field extends to the end accept any length.
    const bool open = std::string_view("BXvSMP").find(shape.back()) != std::string_view::npos;
    if (!open) EXPECT_FALSE(valid_rdata(type, Bytes(out).first(*size + 1))) << c.type;
    if (!open) EXPECT_FALSE(valid_rdata(type, Bytes(out).first(*size - 1))) << c.type;
    EXPECT_FALSE(valid_rdata(type, {})) << c.type;
  }
}

// The list of mandatory parameters is checked against the parameters after it, which may be
// truncated.
TEST(RdataText, CutParametersOfAServiceAreNotValid) {
  const std::array<std::uint8_t, 27> whole{0, 1, 0,   0,   0, 0, 4, 0, 1, 0,   3, 0, 1, 0,
                                           3, 2, 'h', '2', 0, 3, 0, 2, 1, 187, 0, 4, 0};
  const Bytes wire = std::as_bytes(std::span(whole));
  for (std::size_t size = 0; size <= wire.size(); ++size) {
    for (const Type type : {Type::kSvcb, Type::kHttps})
      EXPECT_EQ(valid_rdata(type, wire.first(size)), size == 3 || size == 24) << size;
  }
}

const Case kBad[] = {
    {"A", "192.0.2", "an IPv4 address is expected here"},
    {"A", "192.0.2.256", "an IPv4 address is expected here"},
    {"A", "1.2.3.4.5", "an IPv4 address is expected here"},
    {"A", "", "an IPv4 address is expected here"},
    {"A", "1.2.3.4 x", "nothing may follow here"},
    {"A", "010.0.0.1", "an IPv4 address has no leading zeros: some readers take them for octal"},
    {"A", "192.000.002.001",
     "an IPv4 address has no leading zeros: some readers take them for octal"},
    {"A", "1.2.3.00", "an IPv4 address has no leading zeros: some readers take them for octal"},
    {"AAAA", "::1.2.3.04", "an IPv6 address is expected here"},
    {"L32", "1 1.2.3.04", "an IPv4 address has no leading zeros: some readers take them for octal"},
    {"AAAA", "1:2:3:4:5:6:7", "an IPv6 address is expected here"},
    {"AAAA", "1::2::3", "an IPv6 address is expected here"},
    {"AAAA", "1:2:3:4:5:6:7:8:9", "an IPv6 address is expected here"},
    {"AAAA", "12345::", "an IPv6 address is expected here"},
    {"AAAA", ":1::", "an IPv6 address is expected here"},
    {"NS", "", "a domain name is missing"},
    {"NS", "\"x\"", "a domain name is missing"},
    {"NS", "a..b", "a label is empty"},
    {"MX", "65536 a.", "a number from 0 to 65535 is expected here"},
    {"MX", "a.", "a number from 0 to 65535 is expected here"},
    {"SOA", "a. b. 1 2 3 4", "a period is expected here, as 3600 or 1h"},
    {"TXT", "", "a string is missing"},
    {"TXT", "\"a", "a quoted string does not end in its line"},
    {"TXT", "\\999", "an escape is neither \\X nor \\DDD (000 to 255)"},
    {"CAA", "0 is-sue x", "a property of letters and digits is expected here, as issue"},
    {"DS", "1 8 2 abc", "pairs of hex digits are expected here"},
    {"DS", "1 8 2", "pairs of hex digits are expected here"},
    {"DS", "1 NOALG 2 00", "a number from 0 to 255 is expected here"},
    {"DS", "1 8 2 0102", "the digest is not as long as digests of its type are"},
    {"DS", "1 8 1 000102030405060708090a0b0c0d0e0f1011121314",
     "the digest is not as long as digests of its type are"},
    {"DS", "1 8 SHA256 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
     "the digest is not as long as digests of its type are"},
    {"DS", "\\# 5 0001080200", "the octets after \\# are not what this type allows"},
    {"DNSKEY", "1 3 8 AB==", "base64 is expected here"},
    {"NSEC3", "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22boj", "a hash in base32hex is expected here"},
    {"RRSIG", "A 8 2 60 20300229000000 20200101000000 1 a. AAAA",
     "a date is expected here, as YYYYMMDDHHmmSS"},
    {"DNSKEY", "1 3 8 A===", "base64 is expected here"},
    {"DNSKEY", "1 3 8 AAAAA", "base64 is expected here"},
    {"RRSIG", "A 8 2 60 20301301000000 20200101000000 1 a. AAAA",
     "a date is expected here, as YYYYMMDDHHmmSS"},
    {"NSEC", "a. A NOTYPE", "a record type is expected here"},
    {"NSEC3", "1 0 0 abc 00", "a salt in hex, or -, is expected here"},
    {"NSEC3", "1 0 0 - w", "a hash in base32hex is expected here"},
    {"SVCB", "1 . port=53 port=54", "a parameter is given twice"},
    {"SVCB", "1 . port=x", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . mandatory=port", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . no-default-alpn=x", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . ipv4hint=192.0.2.1,", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . ipv4hint=192.0.2.01", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . ipv4hint=,192.0.2.1", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . ipv6hint=::1,", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . alpn=h2,", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . mandatory=port, port=1", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . mandatory=port,port port=1", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . mandatory=mandatory", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . tls-supported-groups=1,", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . ohttp=1", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . key3=443", "this parameter's value is not what its key allows"},
    {"SVCB", "1 . key007=x", "a parameter is expected here, as port=443 or key65280=text"},
    {"SVCB", "1 . key00", "a parameter is expected here, as port=443 or key65280=text"},
    {"SVCB", "1 . key65536=x", "a parameter is expected here, as port=443 or key65280=text"},
    {"SVCB", "1 . key667=\"a b\"c", "a parameter is expected here, as port=443 or key65280=text"},
    {"SVCB", "1 . key667=\"a b", "a quoted string does not end in its line"},
    {"SVCB", "\\# 9 000100000300020001 00", "the hex digits after \\# are not as many as it says"},
    {"SVCB", "\\# 8 0001000003000100", "the octets after \\# are not what this type allows"},
    {"HTTPS", "\\# 9 000100000000020003", "the octets after \\# are not what this type allows"},
    {"SVCB", "1 . unknown=x", "a parameter is expected here, as port=443 or key65280=text"},
    {"TYPE731", "abc", "rdata of this type is written as \\# length hex"},
    {"TYPE731", "\\# 3 abcd", "the hex digits after \\# are not as many as it says"},
    {"TYPE731", "\\# x", "after \\# comes the number of octets"},
    {"A", "\\# 3 010203", "the octets after \\# are not what this type allows"},
};

TEST(RdataText, WrongTextGetsItsReason) {
  std::array<std::byte, 1024> out;
  for (const Case& c : kBad) {
    const auto size = parse_rdata(*type_from_text(c.type), c.text, nullptr, out);
    ASSERT_FALSE(size.has_value()) << c.type << " " << c.text;
    EXPECT_EQ(size.error().reason, c.wire) << c.type << " " << c.text;
  }
}

TEST(RdataText, StringsHold255Octets) {
  std::array<std::byte, 1024> out;
  EXPECT_TRUE(parse_rdata(Type::kTxt, std::string(255, 'x'), nullptr, out).has_value());
  EXPECT_FALSE(parse_rdata(Type::kTxt, std::string(256, 'x'), nullptr, out).has_value());
}

TEST(Mnemonics, AreReadInAnyCaseAndByNumber) {
  EXPECT_EQ(type_from_text("aaaa"), Type::kAaaa);
  EXPECT_EQ(type_from_text("TYPE28"), Type::kAaaa);
  EXPECT_EQ(type_from_text("type65535"), static_cast<Type>(65535));
  EXPECT_FALSE(type_from_text("TYPE65536").has_value());
  EXPECT_FALSE(type_from_text("TYPE").has_value());
  EXPECT_FALSE(type_from_text("TYPE-1").has_value());
  EXPECT_EQ(class_from_text("class1"), Class::kIn);
  EXPECT_FALSE(class_from_text("INN").has_value());
  Text<32> text(std::in_place, Type::kNsec3param, ' ', static_cast<Type>(731));
  EXPECT_EQ(text.view(), "NSEC3PARAM TYPE731");
}

}  // namespace
}  // namespace fata::dns::test
