#include "fata/dns/rdata.hpp"

#include <algorithm>
#include <array>

#include "rdata_text.hpp"
#include "text.hpp"

namespace fata::dns {

namespace {

// A bitmap's windows are ascending; none is empty or ends in a zero octet (RFC 4034 section 4.1.2).
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

std::optional<std::size_t> strings_length(Bytes at) {
  std::size_t position = 0;
  while (position < at.size()) position += static_cast<std::size_t>(at[position]) + 1;
  if (position == 0 || position > at.size()) return {};
  return position;
}

// NXT's bitmap of types 1 to 127, without trailing zero octets (RFC 2535 section 5.2).
bool valid_short_bitmap(Bytes bitmap) {
  return bitmap.empty() || (bitmap.size() <= 16 && bitmap.back() != std::byte{0});
}

// The size of a gateway by its type (RFC 4025 section 2.5, RFC 8777 section 4.2), after `head`
// octets, the first of which holds the type.
std::optional<std::size_t> gateway_length(Bytes at, std::size_t head, unsigned kind_bits) {
  if (at.size() < head) return {};
  std::size_t length = 0;
  switch (static_cast<unsigned>(at[0]) & kind_bits) {
    case 0:
      return head;
    case 1:
      length = 4;
      break;
    case 2:
      length = 16;
      break;
    case 3:
      length = name_length(at.subspan(head));
      if (length == 0) return {};
      break;
    default:
      return {};
  }
  if (length > at.size() - head) return {};
  return head + length;
}

// A DS record's digest type and digest: each known type has a fixed size (RFC 3658, RFC 4509, RFC
// 6605).
bool valid_digest(Bytes at) {
  if (at.size() < 2) return false;
  switch (static_cast<unsigned>(at[0])) {
    case 1:
      return at.size() == 1 + 20;
    case 2:
      return at.size() == 1 + 32;
    case 4:
      return at.size() == 1 + 48;
    default:
      return true;
  }
}

// Address prefixes without trailing zero octets (RFC 3123 section 4).
bool valid_prefixes(Bytes prefixes) {
  ByteReader reader(prefixes);
  while (reader.ok() && !reader.at_end()) {
    const unsigned family = reader.u16();
    const unsigned prefix = reader.u8();
    const Bytes address = reader.take(reader.u8() & 0x7fU);
    if (!reader.ok() || (!address.empty() && address.back() == std::byte{0})) return false;
    if (family == 1 && (prefix > 32 || address.size() > 4)) return false;
    if (family == 2 && (prefix > 128 || address.size() > 16)) return false;
  }
  return reader.ok();
}

// Sizes of tag and key, algorithm, tag, key, names of rendezvous servers (RFC 8005 section 5).
bool valid_host_identity(Bytes at) {
  ByteReader reader(at);
  const std::size_t tag = reader.u8();
  reader.skip(1);
  const std::size_t key = reader.u16();
  reader.skip(tag);
  reader.skip(key);
  if (!reader.ok() || tag == 0 || key == 0) return false;
  for (Bytes names = at.subspan(reader.position()); !names.empty();) {
    const std::size_t length = name_length(names);
    if (length == 0) return false;
    names = names.subspan(length);
  }
  return true;
}

// The prefix length, the rest of the address, and the prefix name (RFC 2874 section 3.1).
bool valid_a6(Bytes at) {
  if (at.empty() || at[0] > std::byte{128}) return false;
  const std::size_t head = 1 + (128 - static_cast<std::size_t>(at[0])) / 8 +
                           ((128 - static_cast<std::size_t>(at[0])) % 8 != 0 ? 1 : 0);
  if (at.size() < head) return false;
  const Bytes name = at.subspan(head);
  return at[0] == std::byte{0} ? name.empty() : !name.empty() && name_length(name) == name.size();
}

// A field that extends to the end.
bool valid_rest(char field, Bytes at) {
  switch (field) {
    case 'M':
      return valid_bitmap(at);
    case 'O':
      return valid_short_bitmap(at);
    case 'P':
      return valid_parameters(at);
    case 'D':
      return valid_digest(at);
    case 'I':
      return valid_prefixes(at);
    case 'H':
      return valid_host_identity(at);
    case '6':
      return valid_a6(at);
    case 'W':  // a protocol and a bitmap of ports (RFC 1035 section 3.4.2)
      return !at.empty() && at.size() <= 1 + 65536 / 8;
    case 'B':
    case 'X':
    case 'G':
      return !at.empty();
    case 'Y':
      return at.size() > 1;
    default:
      return true;
  }
}

}  // namespace

std::optional<std::size_t> field_length(char field, Bytes at) {
  std::size_t length = at.size();
  switch (field) {
    case '1':
    case 'g':
    case 'y':
      length = 1;
      break;
    case '2':
    case 'T':
    case 'k':
      length = 2;
      break;
    case '4':
    case 'a':
    case 'p':
    case 'd':
      length = 4;
      break;
    case 'e':
      length = 6;
      break;
    case '8':
    case 'E':
    case 'l':
      length = 8;
      break;
    case 'A':
    case 'L':
      length = 16;
      break;
    case 'q':
      if (at.empty()) return 0;
      [[fallthrough]];
    case 's':
    case '5':
    case 'x':
    case 'h':
    case 'c':
      if (at.empty()) return {};
      length = static_cast<std::size_t>(at[0]) + 1;
      if ((field == 'h' || field == 'c') && length == 1) return {};
      break;
    case 'S':
      return strings_length(at);
    case 'K':
      return gateway_length(at, 2, 0xff);
    case 'R':
      return gateway_length(at, 1, 0x7f);
    default:
      if (!valid_rest(field, at)) return {};
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
int compare_bytes(Bytes a, Bytes b) {
  const std::size_t common = std::min(a.size(), b.size());
  const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  if (order != 0) return order;
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

int compare_names(Bytes a, Bytes b) {
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < common; ++i) {
    const std::byte left = lower(a[i]), right = lower(b[i]);
    if (left != right) return left < right ? -1 : 1;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}
}  // namespace

int compare_rdata(Type type, Bytes a, Bytes b) {
  for (const char field : shape_to_last_name(type)) {
    const bool is_name = is_name_field(field);
    const std::size_t left = is_name ? name_length(a) : field_length(field, a).value_or(a.size());
    const std::size_t right = is_name ? name_length(b) : field_length(field, b).value_or(b.size());
    const Bytes left_field = a.first(left), right_field = b.first(right);
    const int order = is_name && field != kNameWithCase ? compare_names(left_field, right_field)
                                                        : compare_bytes(left_field, right_field);
    if (order != 0) return order;
    a = a.subspan(left);
    b = b.subspan(right);
  }
  return compare_bytes(a, b);
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
