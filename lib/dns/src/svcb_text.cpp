// Parameters of SVCB and HTTPS records (RFC 9460).
#include <algorithm>
#include <array>
#include <functional>

#include "rdata_text.hpp"
#include "text.hpp"

namespace fata::dns {

namespace {

using Done = Result<void, TextError>;

constexpr std::uint16_t kMandatory = 0, kAlpn = 1, kNoDefaultAlpn = 2, kPort = 3, kIpv4Hint = 4, kEch = 5,
                        kIpv6Hint = 6;
constexpr auto kKeys = std::to_array<std::string_view>(
    {"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath"});
constexpr std::size_t kMaxParameters = 32;

struct Parameter {
  std::uint16_t key = 0;
  bool has_value = false;
  std::string_view value;  // escapes still in it
  std::string_view word;
};

std::optional<std::uint16_t> key_number(std::string_view name) {
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    if (name == kKeys[i]) return static_cast<std::uint16_t>(i);
  }
  std::uint64_t number = 0;
  if (!name.starts_with("key") || !parse_unsigned(name.substr(3), 65535, number)) return {};
  return static_cast<std::uint16_t>(number);
}

// The items of a comma-separated list without escapes.
std::string_view take_item(std::string_view& list) {
  const std::size_t comma = std::min(list.find(','), list.size());
  const std::string_view item = list.substr(0, comma);
  list.remove_prefix(std::min(comma + 1, list.size()));
  return item;
}

// RFC 9460 appendix A.1: the value is unescaped as a string first, then split at commas that no backslash
// precedes.
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
  if (value.empty()) return false;
  while (!value.empty()) {
    std::array<std::byte, 16> address;
    const std::string_view item = take_item(value);
    if (octets == 4 ? !parse_ipv4(item, address) : !parse_ipv6(item, address)) return false;
    out.bytes(Bytes(address).first(octets));
  }
  return true;
}

bool write_mandatory(std::string_view value, std::span<const Parameter> all, ByteWriter& out) {
  std::array<std::uint16_t, kMaxParameters> keys;
  std::size_t count = 0;
  if (value.empty()) return false;
  while (!value.empty()) {
    const auto key = key_number(take_item(value));
    if (!key || *key == kMandatory || count == keys.size()) return false;
    if (std::ranges::find(all, *key, &Parameter::key) == all.end()) return false;
    keys[count++] = *key;
  }
  const auto listed = std::span(keys).first(count);
  sort_short(listed, std::less{});
  if (std::ranges::adjacent_find(listed) != listed.end()) return false;
  for (const std::uint16_t key : listed) out.u16(key);
  return true;
}

bool write_value(const Parameter& parameter, std::span<const Parameter> all, ByteWriter& out) {
  switch (parameter.key) {
    case kMandatory:
      return write_mandatory(parameter.value, all, out);
    case kAlpn:
      return write_alpn(parameter.value, out);
    case kNoDefaultAlpn:
      return !parameter.has_value;
    case kPort: {
      std::uint64_t port = 0;
      if (!parse_unsigned(parameter.value, 65535, port)) return false;
      out.u16(static_cast<std::uint16_t>(port));
      return true;
    }
    case kIpv4Hint:
      return write_hints(parameter.value, 4, out);
    case kIpv6Hint:
      return write_hints(parameter.value, 16, out);
    case kEch: {
      Base64 decoder;
      return !parameter.value.empty() && decoder.feed(parameter.value, out) && decoder.finish();
    }
    default:
      for (std::string_view text = parameter.value; !text.empty();) {
        const int octet = take_octet(text);
        if (octet < 0) return false;
        out.u8(static_cast<std::uint8_t>(octet));
      }
      return true;
  }
}

}  // namespace

Result<void, TextError> parse_parameters(Lexer& lexer, ByteWriter& out) {
  std::array<Parameter, kMaxParameters> parameters;
  std::size_t count = 0;
  Token token = lexer.next();
  for (; token.is_text(); token = lexer.next()) {
    const std::size_t equals = token.text.find('=');
    const auto key = key_number(token.text.substr(0, equals));
    if (!key || token.kind == Token::Kind::kQuoted) {
      return fail(TextError{"a parameter is expected here, as port=443 or key65280=text", token.text});
    }
    if (count == parameters.size()) return fail(TextError{"over 32 parameters are given", token.text});
    Parameter& parameter = parameters[count++];
    parameter.key = *key;
    parameter.word = token.text;
    if (equals == std::string_view::npos) continue;
    parameter.has_value = true;
    parameter.value = token.text.substr(equals + 1);
    if (parameter.value.size() >= 2 && parameter.value.front() == '"' && parameter.value.back() == '"') {
      parameter.value = parameter.value.substr(1, parameter.value.size() - 2);
    }
  }
  if (token.kind == Token::Kind::kError) return fail(TextError{token.text, {}});
  lexer.put_back(token);
  const auto all = std::span(parameters).first(count);
  sort_short(all, [](const Parameter& a, const Parameter& b) { return a.key < b.key; });
  for (std::size_t i = 0; i < count; ++i) {
    const Parameter& parameter = all[i];
    if (i != 0 && all[i - 1].key == parameter.key)
      return fail(TextError{"a parameter is given twice", parameter.word});
    out.u16(parameter.key);
    const std::size_t length_at = out.position();
    out.u16(0);
    if (!write_value(parameter, all, out)) {
      return fail(TextError{"this parameter's value is not what its key allows", parameter.word});
    }
    if (out.ok()) out.patch_u16(length_at, static_cast<std::uint16_t>(out.position() - length_at - 2));
  }
  return {};
}

}  // namespace fata::dns
