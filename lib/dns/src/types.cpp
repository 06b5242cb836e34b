// Types and classes by number and by name (IANA "Domain Name System Parameters"), and the structure
// of each type's rdata.
#include <algorithm>
#include <array>

#include "fata/dns/rdata.hpp"
#include "text.hpp"

namespace fata::dns {

namespace {

// Text stored in the table itself: pointers would double the table's size and need relocation.
template <std::size_t kMax>
struct Inline {
  std::array<char, kMax> text{};
  std::uint8_t size = 0;

  constexpr Inline(std::string_view from)
      : size(static_cast<std::uint8_t>(from.size())) {  // NOLINT
    std::ranges::copy(from, text.begin());
  }
  constexpr operator std::string_view() const {  // NOLINT
    return std::string_view(text.begin(), text.end()).substr(0, size);
  }
};

struct Known {
  constexpr Known(std::uint16_t type, std::string_view text, std::string_view fields)
      : number(type), name(text), shape(fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (is_name_field(fields[i])) to_last_name = static_cast<std::uint8_t>(i + 1);
    }
  }

  std::uint16_t number;
  Inline<10> name;
  Inline<9> shape;
  std::uint8_t to_last_name = 0;  // fields
};

// In order of number. Types without a shape are opaque, or for queries only. Up to kDense, a type's
// number is its index.
constexpr auto kKnown = std::to_array<Known>({
    {0, "", ""},
    {1, "A", "a"},
    {2, "NS", "N"},
    {3, "MD", "N"},
    {4, "MF", "N"},
    {5, "CNAME", "N"},
    {6, "SOA", "NN4pppp"},
    {7, "MB", "N"},
    {8, "MG", "N"},
    {9, "MR", "N"},
    {10, "NULL", ""},
    {11, "WKS", "aW"},
    {12, "PTR", "N"},
    {13, "HINFO", "ss"},
    {14, "MINFO", "NN"},
    {15, "MX", "2N"},
    {16, "TXT", "S"},
    {17, "RP", "nn"},
    {18, "AFSDB", "2n"},
    {19, "X25", "5"},
    {20, "ISDN", "sq"},
    {21, "RT", "2n"},
    {22, "NSAP", "G"},
    {23, "NSAP-PTR", "o"},
    {24, "SIG", "T1g4dd2nB"},
    {25, "KEY", "21gB"},
    {26, "PX", "2nn"},
    {27, "GPOS", "sss"},
    {28, "AAAA", "A"},
    {29, "LOC", "L"},
    {30, "NXT", "nO"},
    {31, "EID", "X"},
    {32, "NIMLOC", "X"},
    {33, "SRV", "222n"},
    {34, "ATMA", "Y"},
    {35, "NAPTR", "22sssn"},
    {36, "KX", "2n"},
    {37, "CERT", "k2gB"},
    {38, "A6", "6"},
    {39, "DNAME", "n"},
    {40, "SINK", "111b"},
    {41, "OPT", ""},
    {42, "APL", "I"},
    {43, "DS", "2gD"},
    {44, "SSHFP", "11X"},
    {45, "IPSECKEY", "1Kb"},
    {46, "RRSIG", "Tg14dd2nB"},
    {47, "NSEC", "oM"},
    {48, "DNSKEY", "21gB"},
    {49, "DHCID", "B"},
    {50, "NSEC3", "112xhM"},
    {51, "NSEC3PARAM", "112x"},
    {52, "TLSA", "111X"},
    {53, "SMIMEA", "111X"},
    {54, "", ""},
    {55, "HIP", "H"},
    {56, "NINFO", "S"},
    {57, "RKEY", "21gB"},
    {58, "TALINK", "oo"},
    {59, "CDS", "2gD"},
    {60, "CDNSKEY", "21gB"},
    {61, "OPENPGPKEY", "B"},
    {62, "CSYNC", "42M"},
    {63, "ZONEMD", "411X"},
    {64, "SVCB", "2oP"},
    {65, "HTTPS", "2oP"},
    {66, "DSYNC", "Ty2o"},
    {67, "HHIT", "B"},
    {68, "BRID", "B"},
    {99, "SPF", "S"},
    {100, "UINFO", ""},
    {101, "UID", ""},
    {102, "GID", ""},
    {103, "UNSPEC", ""},
    {104, "NID", "2l"},
    {105, "L32", "2a"},
    {106, "L64", "2l"},
    {107, "LP", "2o"},
    {108, "EUI48", "e"},
    {109, "EUI64", "E"},
    {128, "NXNAME", ""},
    {249, "TKEY", ""},
    {250, "TSIG", ""},
    {251, "IXFR", ""},
    {252, "AXFR", ""},
    {253, "MAILB", ""},
    {254, "MAILA", ""},
    {255, "ANY", ""},
    {256, "URI", "22v"},
    {257, "CAA", "1cv"},
    {258, "AVC", "S"},
    {259, "DOA", "441sj"},
    {260, "AMTRELAY", "1R"},
    {261, "RESINFO", "S"},
    {262, "WALLET", "S"},
    {263, "CLA", "S"},
    {264, "IPN", "8"},
    {32768, "TA", "2gD"},
    {32769, "DLV", "2gD"},
});

constexpr std::size_t kDense = 68;
static_assert(kKnown[kDense].number == kDense);
static_assert(std::ranges::is_sorted(kKnown, {}, &Known::number));

const Known* find(Type type) {
  const auto number = static_cast<std::size_t>(type);
  if (number <= kDense) return &kKnown[number];
  for (const Known& known : std::span(kKnown).subspan(kDense + 1)) {
    if (known.number == number) return &known;
  }
  return nullptr;
}

struct KnownClass {
  Class klass;
  std::string_view name;
};
constexpr auto kClasses = std::to_array<KnownClass>({{Class::kIn, "IN"},
                                                     {Class::kCh, "CH"},
                                                     {Class::kHs, "HS"},
                                                     {Class::kNone, "NONE"},
                                                     {Class::kAny, "ANY"}});

// "TYPE123": the number after a prefix.
std::optional<std::uint16_t> numbered(std::string_view text, std::string_view prefix) {
  if (text.size() <= prefix.size() || !same_text(text.substr(0, prefix.size()), prefix)) return {};
  std::uint64_t value = 0;
  if (!parse_unsigned(text.substr(prefix.size()), 65535, value)) return {};
  return static_cast<std::uint16_t>(value);
}

}  // namespace

std::optional<Type> type_from_text(std::string_view text) {
  if (text.empty()) return {};
  for (const Known& known : kKnown) {
    if (same_text(text, known.name)) return static_cast<Type>(known.number);
  }
  if (const auto number = numbered(text, "TYPE")) return static_cast<Type>(*number);
  return {};
}

std::optional<Class> class_from_text(std::string_view text) {
  for (const KnownClass& known : kClasses) {
    if (same_text(text, known.name)) return known.klass;
  }
  if (const auto number = numbered(text, "CLASS")) return static_cast<Class>(*number);
  return {};
}

void write_text(TextWriter& out, Type type) {
  const Known* known = find(type);
  if (known != nullptr && known->name.size != 0) return out.put(known->name);
  print(out, "TYPE", static_cast<unsigned>(type));
}

std::string_view rdata_shape(Type type) {
  const Known* known = find(type);
  return known == nullptr ? std::string_view() : std::string_view(known->shape);
}

std::string_view shape_to_last_name(Type type) {
  const Known* known = find(type);
  return known == nullptr ? std::string_view()
                          : std::string_view(known->shape).substr(0, known->to_last_name);
}

bool is_data(Type type) {
  const auto number = static_cast<unsigned>(type);
  return number != 0 && type != Type::kOpt && (number < 128 || number > 255);
}

bool may_arrive_compressed(Type type) {
  constexpr auto kTypes = std::to_array<std::uint8_t>({17, 18, 21, 24, 26, 30, 33, 35, 46});
  return std::ranges::find(kTypes, static_cast<unsigned>(type)) != kTypes.end();
}

}  // namespace fata::dns
