// Parameters of SVCB and HTTPS records (RFC 9460).
#include <algorithm>
#include <array>
#include <functional>

#include "rdata_text.hpp"
#include "text.hpp"

namespace fata::dns {

namespace {

using Done = Result<void, TextError>;

constexpr std::uint16_t kMandatory = 0;
constexpr std::size_t kMaxParameters = 32;

// Keys by number (IANA "DNS SVCB Service Parameter Keys"), and the format of their values:
//   m a list of keys   a a list of strings   e nothing   p a port   4 6 a list of addresses
//   b base64           t text, not empty     g a list of numbers of 16 bits
struct Key {
  std::string_view name;
  char value;
};
constexpr auto kKeys = std::to_array<Key>({{"mandatory", 'm'},
                                           {"alpn", 'a'},
                                           {"no-default-alpn", 'e'},
                                           {"port", 'p'},
                                           {"ipv4hint", '4'},
                                           {"ech", 'b'},
                                           {"ipv6hint", '6'},
                                           {"dohpath", 't'},
                                           {"ohttp", 'e'},
                                           {"tls-supported-groups", 'g'},
                                           {"docpath", 'd'},
                                           {"pvd", 'e'}});

struct Parameter {
  std::uint16_t key = 0;
  bool numbered = false;   // key443: its value is an opaque string
  std::string_view value;  // with escapes
  std::string_view word;
};

std::optional<std::uint16_t> numbered_key(std::string_view name) {
  std::uint64_t number = 0;
  if (!name.starts_with("key")) return {};
  name.remove_prefix(3);
  const bool zeros = name.size() > 1 && name.front() == '0';  // RFC 9460 section 2.1
  if (zeros || !parse_unsigned(name, 65535, number)) return {};
  return static_cast<std::uint16_t>(number);
}

std::optional<std::uint16_t> key_number(std::string_view name) {
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    if (name == kKeys[i].name) return static_cast<std::uint16_t>(i);
  }
  return numbered_key(name);
}

// Calls `each` for the items of a comma-separated list without escapes; false if one is invalid. No
// item may be empty (RFC 9460 appendix A.1); `each` rejects empty items.
template <class Each>
bool each_item(std::string_view list, Each each) {
  for (;;) {
    const std::size_t comma = list.find(',');
    if (!each(list.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

// RFC 9460 appendix A.1: the value is first unescaped as a string, then split at unescaped commas.
bool write_alpn(std::string_view value, ByteWriter& out) {
  std::size_t start = out.position();
  out.u8(0);
  const auto finish = [&] {
    const std::size_t length = out.position() - start - 1;
    if (!out.ok() || length == 0 || length > 255) return false;
    out.written()[start] = static_cast<std::byte>(length);
    return true;
  };
  while (!value.empty()) {
    int octet = take_octet(value);
    if (octet == ',') {
      if (!finish()) return false;
      start = out.position();
      out.u8(0);
      continue;
    }
    if (octet == '\\') {
      if (value.empty()) return false;
      octet = take_octet(value);
      if (octet != ',' && octet != '\\') return false;
    }
    if (octet < 0) return false;
    out.u8(static_cast<std::uint8_t>(octet));
  }
  return finish();
}

bool write_hints(std::string_view value, std::size_t octets, ByteWriter& out) {
  return each_item(value, [&](std::string_view item) {
    std::array<std::byte, 16> address;
    if (octets == 4 ? !parse_ipv4(item, address) : !parse_ipv6(item, address)) return false;
    out.bytes(Bytes(address).first(octets));
    return true;
  });
}

bool write_mandatory(std::string_view value, ByteWriter& out) {
  std::array<std::uint16_t, kMaxParameters> keys;
  std::size_t count = 0;
  const bool known = each_item(value, [&](std::string_view item) {
    const auto key = key_number(item);
    if (!key || count == keys.size()) return false;
    keys[count++] = *key;
    return true;
  });
  const auto listed = std::span(keys).first(count);
  sort_short(listed, std::less{});
  for (const std::uint16_t key : listed) out.u16(key);
  return known;
}

bool write_numbers(std::string_view value, ByteWriter& out) {
  return each_item(value, [&](std::string_view item) {
    std::uint64_t number = 0;
    if (!parse_unsigned(item, 65535, number)) return false;
    out.u16(static_cast<std::uint16_t>(number));
    return true;
  });
}

bool write_string(std::string_view value, ByteWriter& out) {
  while (!value.empty()) {
    const int octet = take_octet(value);
    if (octet < 0) return false;
    out.u8(static_cast<std::uint8_t>(octet));
  }
  return true;
}

bool write_base64(std::string_view value, ByteWriter& out) {
  Base64 decoder;
  return decoder.feed(value, out) && decoder.finish();
}

char value_kind(std::size_t key) { return key < kKeys.size() ? kKeys[key].value : 's'; }

// The meaning of the value is checked later, in its wire form.
bool write_value(const Parameter& parameter, ByteWriter& out) {
  const std::string_view value = parameter.value;
  switch (parameter.numbered ? 's' : value_kind(parameter.key)) {
    case 'm':
      return write_mandatory(value, out);
    case 'd':
      return value.empty() || write_alpn(value, out);
    case 'a':
      return write_alpn(value, out);
    case 'p':
      return value.find(',') == std::string_view::npos && write_numbers(value, out);
    case 'g':
      return write_numbers(value, out);
    case '4':
      return write_hints(value, 4, out);
    case '6':
      return write_hints(value, 16, out);
    case 'b':
      return write_base64(value, out);
    default:
      return write_string(value, out);
  }
}

bool valid_strings(Bytes value) {
  while (!value.empty()) {
    const auto length = static_cast<std::size_t>(value[0]);
    if (length == 0 || length >= value.size()) return false;
    value = value.subspan(length + 1);
  }
  return true;
}

// The keys must be ascending, exclude "mandatory" itself, and all be in `parameters` (RFC 9460
// section 8).
bool valid_mandatory(Bytes value, Bytes parameters) {
  ByteReader keys(value);
  ByteReader given(parameters);
  int key = 0, found = -1;
  while (!keys.at_end()) {
    const int next = keys.u16();
    if (next <= key) return false;
    key = next;
    while (found < key && given.ok() && !given.at_end()) {
      found = given.u16();
      given.skip(given.u16());
    }
    if (found != key) return false;
  }
  return true;
}

bool valid_value(std::uint16_t key, Bytes value, Bytes parameters) {
  switch (value_kind(key)) {
    case 'm':
      return !value.empty() && value.size() % 2 == 0 && valid_mandatory(value, parameters);
    case 'a':
      return !value.empty() && valid_strings(value);
    case 'd':
      return valid_strings(value);
    case 'e':
      return value.empty();
    case 'p':
      return value.size() == 2;
    case 'g':
      return !value.empty() && value.size() % 2 == 0;
    case '4':
      return !value.empty() && value.size() % 4 == 0;
    case '6':
      return !value.empty() && value.size() % 16 == 0;
    case 't':
      return !value.empty();
    default:
      return true;
  }
}

// Splits `word`; false if it is not a parameter.
bool read_parameter(const Token& word, Parameter& out) {
  const std::size_t equals = word.text.find('=');
  const std::string_view name = word.text.substr(0, equals);
  const auto key = key_number(name);
  if (!key || word.kind == Token::Kind::kQuoted) return false;
  out.key = *key;
  out.numbered = numbered_key(name).has_value();
  out.word = word.text;
  if (equals == std::string_view::npos) return true;
  out.value = word.text.substr(equals + 1);
  if (out.value.starts_with('"')) out.value = out.value.substr(1, out.value.size() - 2);
  return true;
}

}  // namespace

bool valid_parameters(Bytes parameters) {
  ByteReader reader(parameters);
  int last = -1;
  while (reader.ok() && !reader.at_end()) {
    const std::uint16_t key = reader.u16();
    const std::size_t size = reader.u16();
    const Bytes value = reader.take(size);
    if (!reader.ok() || key <= last || !valid_value(key, value, parameters)) return false;
    last = key;
  }
  return reader.ok();
}

Result<void, TextError> parse_parameters(Lexer& lexer, ByteWriter& out) {
  std::array<Parameter, kMaxParameters> parameters;
  std::size_t count = 0;
  Token token = lexer.next_parameter();
  for (; token.is_text(); token = lexer.next_parameter()) {
    if (count == parameters.size())
      return fail(TextError{"over 32 parameters are given", token.text});
    if (!read_parameter(token, parameters[count++])) {
      return fail(
          TextError{"a parameter is expected here, as port=443 or key65280=text", token.text});
    }
  }
  if (token.kind == Token::Kind::kError) return fail(TextError{token.text, {}});
  lexer.put_back(token);
  const auto all = std::span(parameters).first(count);
  sort_short(all, [](const Parameter& a, const Parameter& b) { return a.key < b.key; });
  const std::size_t start = out.position();
  for (std::size_t i = 0; i < count; ++i) {
    const Parameter& parameter = all[i];
    if (i != 0 && all[i - 1].key == parameter.key)
      return fail(TextError{"a parameter is given twice", parameter.word});
    out.u16(parameter.key);
    const std::size_t length_at = out.position();
    out.u16(0);
    const bool written = write_value(parameter, out);
    if (!out.ok()) return {};  // too long; the caller reports it
    const std::size_t size = out.position() - length_at - 2;
    out.patch_u16(length_at, static_cast<std::uint16_t>(size));
    const Bytes value = out.written().subspan(length_at + 2);
    if (!written || (parameter.key != kMandatory && !valid_value(parameter.key, value, {}))) {
      return fail(TextError{"this parameter's value is not what its key allows", parameter.word});
    }
  }
  // The mandatory list can only be checked when all keys are known.
  if (!valid_parameters(out.written().subspan(start)))
    return fail(TextError{"this parameter's value is not what its key allows", all.front().word});
  return {};
}

}  // namespace fata::dns
