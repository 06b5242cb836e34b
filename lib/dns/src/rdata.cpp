#include "fata/dns/rdata.hpp"

#include <array>

#include "text.hpp"

namespace fata::dns {

namespace {

struct Known {
  Type type;
  std::string_view name;
  std::string_view shape;
};

// Meta types have a name only.
constexpr auto kKnown = std::to_array<Known>({
    {Type::kA, "A", "a"},
    {Type::kAaaa, "AAAA", "A"},
    {Type::kNs, "NS", "N"},
    {Type::kCname, "CNAME", "N"},
    {Type::kMx, "MX", "2N"},
    {Type::kTxt, "TXT", "S"},
    {Type::kPtr, "PTR", "N"},
    {Type::kSoa, "SOA", "NN4pppp"},
    {Type::kSrv, "SRV", "222n"},
    {Type::kDname, "DNAME", "n"},
    {Type::kRrsig, "RRSIG", "T114dd2nB"},
    {Type::kNsec, "NSEC", "nM"},
    {Type::kDs, "DS", "211X"},
    {Type::kDnskey, "DNSKEY", "211B"},
    {Type::kNsec3, "NSEC3", "112xhM"},
    {Type::kNsec3param, "NSEC3PARAM", "112x"},
    {Type::kCaa, "CAA", "1cv"},
    {Type::kHinfo, "HINFO", "ss"},
    {Type::kNaptr, "NAPTR", "22sssn"},
    {Type::kTlsa, "TLSA", "111X"},
    {Type::kSshfp, "SSHFP", "11X"},
    {Type::kSvcb, "SVCB", "2nP"},
    {Type::kHttps, "HTTPS", "2nP"},
    {Type::kOpt, "OPT", ""},
    {Type::kTkey, "TKEY", ""},
    {Type::kTsig, "TSIG", ""},
    {Type::kIxfr, "IXFR", ""},
    {Type::kAxfr, "AXFR", ""},
    {Type::kMailb, "MAILB", ""},
    {Type::kMaila, "MAILA", ""},
    {Type::kAny, "ANY", ""},
});

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

// A bitmap's windows ascend, and none is empty or ends in a zero octet (RFC 4034 section 4.1.2).
bool valid_bitmap(Bytes bitmap) {
  ByteReader reader(bitmap);
  int last = -1;
  while (reader.ok() && !reader.at_end()) {
    const int window = reader.u8();
    const std::size_t length = reader.u8();
    const Bytes bits = reader.take(length);
    if (!reader.ok() || window <= last || length == 0 || length > 32 || bits.back() == std::byte{0})
      return false;
    last = window;
  }
  return reader.ok();
}

// Keys ascend, each once (RFC 9460 section 2.2).
bool valid_parameters(Bytes parameters) {
  ByteReader reader(parameters);
  int last = -1;
  while (reader.ok() && !reader.at_end()) {
    const int key = reader.u16();
    reader.skip(reader.u16());
    if (key <= last) return false;
    last = key;
  }
  return reader.ok();
}

std::optional<std::size_t> strings_length(Bytes at) {
  std::size_t position = 0;
  while (position < at.size()) position += static_cast<std::size_t>(at[position]) + 1;
  if (position == 0 || position > at.size()) return {};
  return position;
}

}  // namespace

std::optional<Type> type_from_text(std::string_view text) {
  for (const Known& known : kKnown) {
    if (same_text(text, known.name)) return known.type;
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
  for (const Known& known : kKnown) {
    if (known.type == type) return out.put(known.name);
  }
  print(out, "TYPE", static_cast<unsigned>(type));
}

std::string_view rdata_shape(Type type) {
  for (const Known& known : kKnown) {
    if (known.type == type) return known.shape;
  }
  return {};
}

bool may_arrive_compressed(Type type) {
  return type == Type::kSrv || type == Type::kNaptr || type == Type::kRrsig;
}

std::optional<std::size_t> field_length(char field, Bytes at) {
  std::size_t length = 0;
  switch (field) {
    case '1':
      length = 1;
      break;
    case '2':
    case 'T':
      length = 2;
      break;
    case '4':
    case 'a':
    case 'p':
    case 'd':
      length = 4;
      break;
    case 'A':
      length = 16;
      break;
    case 's':
    case 'x':
    case 'h':
    case 'c':
      if (at.empty()) return {};
      length = static_cast<std::size_t>(at[0]) + 1;
      if (field != 's' && field != 'x' && length == 1) return {};
      break;
    case 'S':
      return strings_length(at);
    case 'M':
      if (!valid_bitmap(at)) return {};
      length = at.size();
      break;
    case 'P':
      if (!valid_parameters(at)) return {};
      length = at.size();
      break;
    default:
      length = at.size();
      break;
  }
  if (length > at.size()) return {};
  return length;
}

bool valid_rdata(Type type, Bytes rdata) {
  const std::string_view shape = rdata_shape(type);
  if (shape.empty()) return true;
  for (const char field : shape) {
    std::size_t length = 0;
    if (is_name_field(field)) {
      length = name_length(rdata);
      if (length == 0) return false;
    } else {
      const auto found = field_length(field, rdata);
      if (!found) return false;
      length = *found;
    }
    rdata = rdata.subspan(length);
  }
  return rdata.empty();
}

namespace {
std::string_view describe(std::uint32_t code) {
  switch (static_cast<Errc>(code)) {
    case Errc::kTruncated:
      return "the message ends too early";
    case Errc::kBadLabel:
      return "a label is longer than 63 octets or of an unknown kind";
    case Errc::kBadPointer:
      return "a compression pointer does not point backwards";
    case Errc::kNameTooLong:
      return "the name is longer than 255 octets";
    case Errc::kEmptyLabel:
      return "a label is empty";
    case Errc::kBadEscape:
      return "an escape is neither \\X nor \\DDD (000 to 255)";
    case Errc::kRelativeName:
      return "a relative name needs an $ORIGIN before it, or end it in a dot";
    case Errc::kBadRdata:
      return "the rdata is not what its type allows";
    case Errc::kNoRoom:
      return "the output does not fit";
  }
  return "unknown error";
}
constexpr ErrorDomain kDomain{"dns", describe};
}  // namespace

const ErrorDomain& error_domain(Errc) { return kDomain; }

}  // namespace fata::dns
