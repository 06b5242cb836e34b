// Every type of IANA's registry: its name, its rdata, and invalid forms of it.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "fata/dns/rdata.hpp"

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

const std::pair<unsigned, const char*> kRegistry[] = {
    {1, "A"},           {2, "NS"},        {3, "MD"},        {4, "MF"},       {5, "CNAME"},
    {6, "SOA"},         {7, "MB"},        {8, "MG"},        {9, "MR"},       {10, "NULL"},
    {11, "WKS"},        {12, "PTR"},      {13, "HINFO"},    {14, "MINFO"},   {15, "MX"},
    {16, "TXT"},        {17, "RP"},       {18, "AFSDB"},    {19, "X25"},     {20, "ISDN"},
    {21, "RT"},         {22, "NSAP"},     {23, "NSAP-PTR"}, {24, "SIG"},     {25, "KEY"},
    {26, "PX"},         {27, "GPOS"},     {28, "AAAA"},     {29, "LOC"},     {30, "NXT"},
    {31, "EID"},        {32, "NIMLOC"},   {33, "SRV"},      {34, "ATMA"},    {35, "NAPTR"},
    {36, "KX"},         {37, "CERT"},     {38, "A6"},       {39, "DNAME"},   {40, "SINK"},
    {41, "OPT"},        {42, "APL"},      {43, "DS"},       {44, "SSHFP"},   {45, "IPSECKEY"},
    {46, "RRSIG"},      {47, "NSEC"},     {48, "DNSKEY"},   {49, "DHCID"},   {50, "NSEC3"},
    {51, "NSEC3PARAM"}, {52, "TLSA"},     {53, "SMIMEA"},   {55, "HIP"},     {56, "NINFO"},
    {57, "RKEY"},       {58, "TALINK"},   {59, "CDS"},      {60, "CDNSKEY"}, {61, "OPENPGPKEY"},
    {62, "CSYNC"},      {63, "ZONEMD"},   {64, "SVCB"},     {65, "HTTPS"},   {66, "DSYNC"},
    {67, "HHIT"},       {68, "BRID"},     {99, "SPF"},      {100, "UINFO"},  {101, "UID"},
    {102, "GID"},       {103, "UNSPEC"},  {104, "NID"},     {105, "L32"},    {106, "L64"},
    {107, "LP"},        {108, "EUI48"},   {109, "EUI64"},   {128, "NXNAME"}, {249, "TKEY"},
    {250, "TSIG"},      {251, "IXFR"},    {252, "AXFR"},    {253, "MAILB"},  {254, "MAILA"},
    {255, "ANY"},       {256, "URI"},     {257, "CAA"},     {258, "AVC"},    {259, "DOA"},
    {260, "AMTRELAY"},  {261, "RESINFO"}, {262, "WALLET"},  {263, "CLA"},    {264, "IPN"},
    {32768, "TA"},      {32769, "DLV"},
};

TEST(TypeRegistry, EveryNameIsReadInAnyCaseAndWritten) {
  for (const auto& [number, name] : kRegistry) {
    const auto type = static_cast<Type>(number);
    std::string lowered = name;
    for (char& c : lowered) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    EXPECT_EQ(type_from_text(name), type) << name;
    EXPECT_EQ(type_from_text(lowered), type) << name;
    EXPECT_EQ(type_from_text("TYPE" + std::to_string(number)), type) << name;
    Text<32> text(std::in_place, type);
    EXPECT_EQ(text.view(), name);
  }
}

TEST(TypeRegistry, OtherNumbersHaveNoName) {
  std::size_t named = 0;
  for (unsigned number = 0; number <= 65535; ++number) {
    Text<32> text(std::in_place, static_cast<Type>(number));
    if (text.view() != "TYPE" + std::to_string(number)) ++named;
  }
  EXPECT_EQ(named, std::size(kRegistry));
  EXPECT_FALSE(type_from_text("").has_value());
  EXPECT_FALSE(type_from_text("SIG0").has_value());
}

TEST(TypeRegistry, ReservedTypesAndTypesForQueriesAreNoData) {
  for (const unsigned number : {0U, 41U, 128U, 249U, 250U, 251U, 252U, 253U, 254U, 255U}) {
    EXPECT_FALSE(is_data(static_cast<Type>(number))) << number;
  }
  for (const unsigned number : {1U, 10U, 54U, 103U, 127U, 256U, 32769U, 65280U, 65535U}) {
    EXPECT_TRUE(is_data(static_cast<Type>(number))) << number;
  }
}

struct Case {
  const char* type;
  const char* text;
  const char* wire;
};

const char* const kDigest32 = "0000000000000000000000000000000000000000000000000000000000000000";

// The wire forms are those written by BIND.
const Case kGood[] = {
    {"MB", "a", "01610178 00"},
    {"MD", "a", "0161017800"},
    {"MF", "a", "0161017800"},
    {"MG", "a", "0161017800"},
    {"MR", "a", "0161017800"},
    {"NSAP-PTR", "a", "0161017800"},
    {"MINFO", "a b", "01610178000162017800"},
    {"RP", "a b", "01610178000162017800"},
    {"TALINK", "a b", "01610178000162017800"},
    {"AFSDB", "1 a", "00010161017800"},
    {"RT", "1 a", "00010161017800"},
    {"KX", "1 a", "00010161017800"},
    {"LP", "1 a", "00010161017800"},
    {"PX", "50 a b", "003201610178000162017800"},
    {"WKS", "192.0.2.1 TCP 23 25", "c00002010600000140"},
    {"WKS", "192.0.2.1 udp domain TFTP 0", "c0000201118000000000000400 04"},
    {"WKS", "192.0.2.1 17", "c000020111"},
    {"X25", "311061700956", "0c333131303631373030393536"},
    {"ISDN", "\"150862028003217\" \"004\"", "0f31353038363230323830303332313703303034"},
    {"ISDN", "150862028003217", "0f313530383632303238303033323137"},
    {"NSAP", "0x47.0005.80", "4700 0580"},
    {"GPOS", "-32.6882 116.8652 10.0", "082d33322e36383832083131362e383635320431302e30"},
    {"LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
     "000016138b3cf018810cbce0009895b8"},
    {"LOC", "52 N 4 E 0", "001216138b28720080dbba0000989680"},
    {"LOC", "52 N 4 E +10.5m", "001216138b28720080dbba0000989a9a"},
    {"LOC", "90 S 180 W 42849672.95 99999999.99m .5 2m", "009951226cb0270059604e00ffffffff"},
    {"NXT", "a A MX TYPE127", "0161017800400100000000000000000000000000 01"},
    {"EID", "12 34", "1234"},
    {"NIMLOC", "1234", "1234"},
    {"ATMA", "39.246f", "0039246f"},
    {"ATMA", "+61.2.00", "0136313230 30"},
    {"CERT", "PKIX 1 RSASHA256 AAAA", "00010001 08000000"},
    {"CERT", "65535 1 0 AAAA", "ffff000100000000"},
    {"A6", "64 ::1 a", "4000000000000000010161017800"},
    {"A6", "0 ::1", "0000000000000000000000000000000001"},
    {"A6", "128 a", "800161017800"},
    {"A6", "61 ffff:ffff:ffff:ffff::1 a", "3d0700000000000000010161017800"},
    {"SINK", "1 2 3 AAAA", "010203000000"},
    {"SINK", "1 2 3", "010203"},
    {"APL", "1:192.0.2.0/24 !1:192.0.2.64/28 2:2001:db8::/32",
     "00011803c0000200011c84c000024000022004 20010db8"},
    {"APL", "", ""},
    {"APL", "!2:::/0", "00020080"},
    {"IPSECKEY", "10 1 2 192.0.2.38 AAAA", "0a0102c0000226000000"},
    {"IPSECKEY", "10 2 2 2001:db8::1 AAAA", "0a020220010db8000000000000000000000001000000"},
    {"IPSECKEY", "10 3 2 gw AAAA", "0a030202677701780000 0000"},
    {"IPSECKEY", "10 0 0 .", "0a0000"},
    {"DHCID", "AAAA", "000000"},
    {"SMIMEA", "3 0 1 d2ab", "030001d2ab"},
    {"HIP", "2 2001 AwEAAQ== rvs b.", "0202000420010301000103727673017800016200"},
    {"NINFO", "a \"b c\"", "016103622063"},
    {"SPF", "\"v=spf1 -all\"", "0b763d73706631202d616c6c"},
    {"AVC", "a", "0161"},
    {"RESINFO", "a", "0161"},
    {"WALLET", "a b", "01610162"},
    {"CLA", "a", "0161"},
    {"RKEY", "0 3 8 AAAA", "00000308000000"},
    {"KEY", "256 3 RSASHA256 AAAA", "01000308000000"},
    {"CDNSKEY", "0 3 0 AA==", "0000030000"},
    {"CDS", "0 0 0 00", "0000000000"},
    {"OPENPGPKEY", "AA AA", "000000"},
    {"DS", "1 8 200 00", "000108c800"},
    {"HHIT", "AAAA", "000000"},
    {"BRID", "AAAA", "000000"},
    {"CSYNC", "66 3 A NS AAAA", "00000042000300046000 0008"},
    {"CSYNC", "66 3", "000000420003"},
    {"ZONEMD", "1 1 240 d2abde24d2abde24d2abde24", "0000000101f0d2abde24d2abde24d2abde24"},
    {"DSYNC", "CDS NOTIFY 5300 a", "003b0114b40161017800"},
    {"NID", "10 0014:4fff:ff20:ee64", "000a00144fffff20ee64"},
    {"L64", "10 2001:db8:1140:0", "000a20010db811400000"},
    {"L32", "10 192.0.2.0", "000ac0000200"},
    {"EUI48", "00-00-5e-00-53-2a", "00005e00532a"},
    {"EUI64", "00-00-5e-ef-10-00-00-2a", "00005eef1000002a"},
    {"EUI48", "0-0-5E-0-53-a", "00005e00530a"},
    {"EUI64", "1-2-3-4-5-6-7-08", "0102030405060708"},
    {"URI", "10 1 \"https://a/\"", "000a000168747470733a2f2f612f"},
    {"DOA", "1 2 3 \"a\" AAAA", "0000000100000002030161000000"},
    {"DOA", "1 2 3 a -", "0000000100000002030161"},
    {"AMTRELAY", "10 0 1 192.0.2.1", "0a01c0000201"},
    {"AMTRELAY", "10 1 3 r", "0a830172017800"},
    {"AMTRELAY", "10 1 0 .", "0a80"},
    {"IPN", "18446744073709551615", "ffffffffffffffff"},
    {"SIG", "A 5 3 86400 20030322173103 20030220173103 2642 e. oJB1",
     "00010503000151803e7c9dd73e5510d70a52016500a09075"},
    {"NULL", "\\# 1 00", "00"},
    {"UINFO", "\\# 1 00", "00"},
    {"TYPE54", "\\# 2 0001", "0001"},
    {"LOC", "\\# 16 001216138b28440080dbba0000989680", "001216138b28440080dbba0000989680"},
    // Types beyond the first window, in any order.
    {"NSEC", "a DLV CAA A TYPE65280 URI AAAA", "0161017800 00044000 0008 0101c0 8001 40 ff0180"},
};

std::string without_blanks(std::string text) {
  std::erase(text, ' ');
  return text;
}

TEST(RareTypes, BecomeWireBytes) {
  const auto origin = Name::from_text("x.");
  std::array<std::byte, 1024> out;
  for (const Case& c : kGood) {
    const auto type = type_from_text(c.type);
    ASSERT_TRUE(type.has_value()) << c.type;
    const auto size = parse_rdata(*type, c.text, &*origin, out);
    ASSERT_TRUE(size.has_value()) << c.type << " " << c.text << ": " << size.error().reason;
    EXPECT_EQ(hex(Bytes(out).first(*size)), without_blanks(c.wire)) << c.type << " " << c.text;
    EXPECT_TRUE(valid_rdata(*type, Bytes(out).first(*size))) << c.type << " " << c.text;
  }
}

TEST(RareTypes, DigestsAreAsLongAsTheirKindSays) {
  std::array<std::byte, 1024> out;
  for (const char* type : {"DS", "CDS", "DLV", "TA"}) {
    const std::string digest = kDigest32;
    EXPECT_TRUE(parse_rdata(*type_from_text(type), "1 8 2 " + digest, nullptr, out).has_value())
        << type;
    EXPECT_FALSE(
        parse_rdata(*type_from_text(type), "1 8 2 " + digest + "00", nullptr, out).has_value())
        << type;
    EXPECT_TRUE(
        parse_rdata(*type_from_text(type), "1 8 4 " + digest + digest.substr(32), nullptr, out)
            .has_value());
    EXPECT_FALSE(parse_rdata(*type_from_text(type), "1 8 4 " + digest, nullptr, out).has_value())
        << type;
  }
}

const Case kBad[] = {
    {"WKS", "192.0.2.1 nothing 25", "a protocol is expected here, as TCP or 6"},
    {"WKS", "192.0.2.1 6 65536", "a port is expected here, as 25 or SMTP"},
    {"WKS", "192.0.2.1 6 nothing", "a port is expected here, as 25 or SMTP"},
    {"X25", "123", "an address of four digits or more is expected here"},
    {"X25", "abcd", "an address of four digits or more is expected here"},
    {"ISDN", "", "a string is missing"},
    {"ISDN", "a b c", "nothing may follow here"},
    {"NSAP", "47", "an NSAP is expected here, as 0x47.0005.80"},
    {"NSAP", "0x4", "an NSAP is expected here, as 0x47.0005.80"},
    {"NSAP", "0x", "an NSAP is expected here, as 0x47.0005.80"},
    {"LOC", "91 N 4 E 0", "degrees are expected here, as 52 22 23.000 N"},
    {"LOC", "90 0 0.001 N 4 E 0", "degrees are expected here, as 52 22 23.000 N"},
    {"LOC", "52 60 N 4 E 0", "degrees are expected here, as 52 22 23.000 N"},
    {"LOC", "52 0 60 N 4 E 0", "degrees are expected here, as 52 22 23.000 N"},
    {"LOC", "52 0 59.9999 N 4 E 0", "degrees are expected here, as 52 22 23.000 N"},
    {"LOC", "52 0 1 1 N 4 E 0", "degrees are expected here, as 52 22 23.000 N"},
    {"LOC", "52 n 4 E 0", "degrees are expected here, as 52 22 23.000 N"},
    {"LOC", "52 N 181 E 0", "degrees are expected here, as 52 22 23.000 N"},
    {"LOC", "52 E 4 N 0", "degrees are expected here, as 52 22 23.000 N"},
    {"LOC", "52 N 4 E", "an altitude from -100000.00m to 42849672.95m is expected here"},
    {"LOC", "52 N 4 E -100000.01m",
     "an altitude from -100000.00m to 42849672.95m is expected here"},
    {"LOC", "52 N 4 E 42849672.96m",
     "an altitude from -100000.00m to 42849672.95m is expected here"},
    {"LOC", "52 N 4 E 1.234m", "an altitude from -100000.00m to 42849672.95m is expected here"},
    {"LOC", "52 N 4 E +-1m", "an altitude from -100000.00m to 42849672.95m is expected here"},
    {"LOC", "52 N 4 E -+1m", "an altitude from -100000.00m to 42849672.95m is expected here"},
    {"LOC", "52 N 4 E 0 +1m", "a size from 0.00m to 99999999.99m is expected here"},
    {"LOC", "52 N 4 E m", "an altitude from -100000.00m to 42849672.95m is expected here"},
    {"LOC", "52 N 4 E 0 100000000m", "a size from 0.00m to 99999999.99m is expected here"},
    {"LOC", "52 N 4 E 0 1m 1m 1m 1m", "nothing may follow here"},
    {"NXT", "a. TYPE128", "a record type up to TYPE127 is expected here"},
    {"EID", "123", "pairs of hex digits are expected here"},
    {"EID", "", "pairs of hex digits are expected here"},
    {"ATMA", "1", "an ATM address is expected here: hex, or + and digits"},
    {"ATMA", "+", "an ATM address is expected here: hex, or + and digits"},
    {"ATMA", "+1a", "an ATM address is expected here: hex, or + and digits"},
    {"ATMA", "12..34", "an ATM address is expected here: hex, or + and digits"},
    {"ATMA", ".12", "an ATM address is expected here: hex, or + and digits"},
    {"CERT", "FOO 1 0 AAAA", "a number from 0 to 65535 is expected here"},
    {"CERT", "1 1 0", "base64 is expected here"},
    {"A6", "129 a", "a number from 0 to 128 is expected here"},
    {"A6", "64 a", "an IPv6 address is expected here"},
    {"A6", "64 ::1", "a domain name is missing"},
    {"APL", "1:192.0.2.0",
     "an address prefix is expected here, as 1:192.0.2.0/24 or !2:2001:db8::/32"},
    {"APL", "1:192.0.2.0/33",
     "an address prefix is expected here, as 1:192.0.2.0/24 or !2:2001:db8::/32"},
    {"APL", "2:::/129",
     "an address prefix is expected here, as 1:192.0.2.0/24 or !2:2001:db8::/32"},
    {"APL", "3:192.0.2.0/24",
     "an address prefix is expected here, as 1:192.0.2.0/24 or !2:2001:db8::/32"},
    {"APL", "1:192.0.2.00/24",
     "an address prefix is expected here, as 1:192.0.2.0/24 or !2:2001:db8::/32"},
    {"APL", "!!1:192.0.2.0/24",
     "an address prefix is expected here, as 1:192.0.2.0/24 or !2:2001:db8::/32"},
    {"APL", "/", "an address prefix is expected here, as 1:192.0.2.0/24 or !2:2001:db8::/32"},
    {"IPSECKEY", "10 4 2 x AAAA", "a gateway's kind is expected here, from 0 to 3"},
    {"IPSECKEY", "10 0 2 x AAAA", "no gateway is written as ."},
    {"IPSECKEY", "10 1 2 010.0.0.1 AAAA",
     "an IPv4 address has no leading zeros: some readers take them for octal"},
    {"HIP", "2 200 AAAA", "a host identity tag in hex is expected here"},
    {"HIP", "2 2001", "base64 is expected here"},
    {"HIP", "2 2001 AAAA a..b", "a label is empty"},
    {"DHCID", "", "base64 is expected here"},
    {"OPENPGPKEY", "A", "base64 is expected here"},
    {"CDS", "0 0 0", "pairs of hex digits are expected here"},
    {"KEY", "256 3 8", "base64 is expected here"},
    {"CSYNC", "66 3 NOTYPE", "a record type is expected here"},
    {"CSYNC", "66 65536 A", "a number from 0 to 65535 is expected here"},
    {"DSYNC", "CDS OTHER 53 a.", "a number from 0 to 255 is expected here"},
    {"NID", "10 14:4fff:ff20", "a locator is expected here, as 14:4fff:ff20:ee64"},
    {"NID", "10 14:4fff:ff20:ee64:1", "a locator is expected here, as 14:4fff:ff20:ee64"},
    {"L64", "10 14:4fff::ee64", "a locator is expected here, as 14:4fff:ff20:ee64"},
    {"L64", "10 14:4fff:ff20:ee64f", "a locator is expected here, as 14:4fff:ff20:ee64"},
    {"EUI48", "00:00:5e:00:53:2a", "octets in hex are expected here, as 00-00-5e-00-53-2a"},
    {"EUI48", "0-0-5e-0-53-2a-", "octets in hex are expected here, as 00-00-5e-00-53-2a"},
    {"EUI48", "0-0-5e--0-53", "octets in hex are expected here, as 00-00-5e-00-53-2a"},
    {"EUI48", "0-0-05e-0-53-2a", "octets in hex are expected here, as 00-00-5e-00-53-2a"},
    {"EUI48", "00005e00532a", "octets in hex are expected here, as 00-00-5e-00-53-2a"},
    {"EUI48", "00-00-5e-00-53", "octets in hex are expected here, as 00-00-5e-00-53-2a"},
    {"EUI64", "00-00-5e-00-53-2a", "octets in hex are expected here, as 00-00-5e-00-53-2a"},
    {"URI", "10 1", "a string is missing"},
    {"DOA", "1 2 3 a", "base64 or - is expected here"},
    {"AMTRELAY", "10 2 1 192.0.2.1", "0 or 1 is expected here"},
    {"AMTRELAY", "10 0 4 x", "a gateway's kind is expected here, from 0 to 3"},
    {"IPN", "18446744073709551616", "a number of at most 64 bits is expected here"},
    {"NULL", "abc", "rdata of this type is written as \\# length hex"},
    {"LOC", "\\# 15 0012161380000000800000000098 96",
     "the octets after \\# are not what this type allows"},
    {"APL", "\\# 4 00011801", "the octets after \\# are not what this type allows"},
    {"APL", "\\# 6 000118020100", "the octets after \\# are not what this type allows"},
    {"HIP", "\\# 5 0102000100", "the octets after \\# are not what this type allows"},
    {"A6", "\\# 1 80", "the octets after \\# are not what this type allows"},
    {"AMTRELAY", "\\# 2 0a84", "the octets after \\# are not what this type allows"},
};

TEST(RareTypes, WrongTextGetsItsReason) {
  std::array<std::byte, 1024> out;
  for (const Case& c : kBad) {
    const auto size = parse_rdata(*type_from_text(c.type), c.text, nullptr, out);
    ASSERT_FALSE(size.has_value()) << c.type << " " << c.text;
    EXPECT_EQ(size.error().reason, c.wire) << c.type << " " << c.text;
  }
}

TEST(RareTypes, AreNotCutShort) {
  const auto origin = Name::from_text("x.");
  std::array<std::byte, 1024> out;
  for (const Case& c : kGood) {
    const Type type = *type_from_text(c.type);
    // Any buffer that is too small is an error, never a shorter record.
    const auto size = parse_rdata(type, c.text, &*origin, out);
    ASSERT_TRUE(size.has_value()) << c.type;
    for (std::size_t room = 0; room < *size; ++room) {
      EXPECT_FALSE(parse_rdata(type, c.text, &*origin, MutableBytes(out).first(room)).has_value())
          << c.type;
    }
  }
}

TEST(RdataOrder, NamesCountWithoutCaseForTheTypesOfRfc4034) {
  const auto compare = [](const char* type, const char* a, const char* b) {
    std::array<std::byte, 512> left, right;
    const Type number = *type_from_text(type);
    const auto left_size = parse_rdata(number, a, nullptr, left);
    const auto right_size = parse_rdata(number, b, nullptr, right);
    EXPECT_TRUE(left_size && right_size) << type;
    return compare_rdata(number, Bytes(left).first(*left_size), Bytes(right).first(*right_size));
  };
  const Case same[] = {
      {"NS", "a.b.", "A.B."},
      {"MX", "1 a.", "1 A."},
      {"SOA", "a. b. 1 1 1 1 1", "A. B. 1 1 1 1 1"},
      {"SRV", "1 1 1 a.", "1 1 1 A."},
      {"PTR", "a.", "A."},
      {"CNAME", "a.", "A."},
      {"DNAME", "a.", "A."},
      {"RP", "a. b.", "a. B."},
      {"MINFO", "a. b.", "A. b."},
      {"KX", "1 a.", "1 A."},
      {"NAPTR", "1 1 u s r a.", "1 1 u s r A."},
      {"PX", "1 a. b.", "1 A. B."},
      {"RRSIG", "A 8 1 1 1 1 1 a. AAAA", "A 8 1 1 1 1 1 A. AAAA"},
  };
  for (const Case& c : same) EXPECT_EQ(compare(c.type, c.text, c.wire), 0) << c.type;
  const Case different[] = {
      {"NSEC", "a. A", "A. A"},
      {"TXT", "a", "A"},
      {"LP", "1 a.", "1 A."},
      {"SVCB", "1 a.", "1 A."},
      {"HINFO", "a a", "a A"},
      {"NAPTR", "1 1 U s r a.", "1 1 u s r a."},
      {"HIP", "1 00 AAAA a.", "1 00 AAAA A."},
      {"MX", "1 a.", "2 A."},
      {"RP", "a. b.", "a. c."},
  };
  for (const Case& c : different) {
    EXPECT_NE(compare(c.type, c.text, c.wire), 0) << c.type;
    EXPECT_EQ(compare(c.type, c.text, c.wire) < 0, compare(c.type, c.wire, c.text) > 0) << c.type;
  }
}

}  // namespace
}  // namespace fata::dns::test
