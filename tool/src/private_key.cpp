#include "private_key.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace fata::tool {

namespace {

// Textual encodings (RFC 7468) and their relatives name the content on a line of its own:
// "-----BEGIN EC PRIVATE KEY-----", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----".
bool is_key_label(std::string_view line) {
  return line.starts_with("----") && line.contains("BEGIN ") && line.contains("PRIVATE KEY");
}

bool is_key_line(std::string_view line) {
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front())))
    line.remove_prefix(1);
  if (is_key_label(line)) return true;
  // PuTTY, age, DNSSEC keys of BIND.
  constexpr std::array<std::string_view, 3> kStarts{"PuTTY-User-Key-File-", "AGE-SECRET-KEY-1",
                                                    "Private-key-format: v"};
  if (std::ranges::any_of(kStarts, [&](auto start) { return line.starts_with(start); }))
    return true;
  // WireGuard: "PrivateKey = ".
  constexpr std::string_view kWireGuard = "PrivateKey";
  if (!line.starts_with(kWireGuard)) return false;
  line.remove_prefix(kWireGuard.size());
  const std::size_t value = line.find_first_not_of(" \t=");
  return value != line.npos && line.substr(0, value).contains('=');
}

// A JSON Web Key with its private member (RFC 7518, sections 6.2.2 and 6.3.2).
bool is_json_web_key(std::string_view content) {
  return content.contains("\"kty\"") && content.contains("\"d\"");
}

// Reads DER (X.690) as far as the first elements of a key need it.
class Der {
 public:
  explicit Der(std::string_view bytes) : rest_(bytes) {}

  // The content of the next element if it has this tag; nothing otherwise.
  std::optional<std::string_view> element(unsigned char tag) {
    if (rest_.size() < 2 || static_cast<unsigned char>(rest_[0]) != tag) return std::nullopt;
    std::size_t length = static_cast<unsigned char>(rest_[1]);
    std::size_t header = 2;
    if (length >= 0x80) {
      const std::size_t bytes = length & 0x7f;
      if (bytes == 0 || bytes > 4 || rest_.size() < 2 + bytes) return std::nullopt;
      length = 0;
      for (; header < 2 + bytes; ++header)
        length = length << 8 | static_cast<unsigned char>(rest_[header]);
    }
    if (length > rest_.size() - header) return std::nullopt;
    const std::string_view content = rest_.substr(header, length);
    rest_.remove_prefix(header + length);
    return content;
  }

 private:
  std::string_view rest_;
};

constexpr unsigned char kInteger = 0x02;
constexpr unsigned char kOctets = 0x04;
constexpr unsigned char kObject = 0x06;
constexpr unsigned char kSequence = 0x30;

bool is_der_key(std::string_view content) {
  const auto outer = Der(content).element(kSequence);
  if (!outer) return false;
  Der inner(*outer);
  if (const auto version = inner.element(kInteger)) {
    if (version->size() != 1) return false;
    const char number = version->front();
    // PKCS #8 (RFC 5958): version, algorithm, key. PKCS #12 (RFC 7292): version 3, content.
    if (const auto algorithm = inner.element(kSequence)) {
      if (number == 3) return Der(*algorithm).element(kObject).has_value();
      return number <= 1 && Der(*algorithm).element(kObject) && inner.element(kOctets);
    }
    // SEC 1 (RFC 5915): version 1, key.
    if (number == 1 && inner.element(kOctets)) return true;
    // PKCS #1 (RFC 8017, A.1.2) and DSA: modulus and two more numbers at least.
    return number <= 1 && inner.element(kInteger) && inner.element(kInteger) &&
           inner.element(kInteger);
  }
  // PKCS #8, encrypted: an algorithm of PKCS #5 or #12, and the key.
  const auto algorithm = inner.element(kSequence);
  if (!algorithm) return false;
  const auto object = Der(*algorithm).element(kObject);
  return object &&
         (object->starts_with("\x2a\x86\x48\x86\xf7\x0d\x01\x05") ||
          object->starts_with("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01")) &&
         inner.element(kOctets);
}

}  // namespace

bool holds_private_key(std::string_view content) {
  if (is_der_key(content) || is_json_web_key(content)) return true;
  while (!content.empty()) {
    const std::size_t end = std::min(content.find_first_of("\r\n"), content.size());
    if (is_key_line(content.substr(0, end))) return true;
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  return false;
}

}  // namespace fata::tool
