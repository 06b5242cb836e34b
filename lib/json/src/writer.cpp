#include "fata/json/writer.hpp"

namespace fata::json {

void Writer::separate() {
  if (comma_) out_->put(',');
  comma_ = true;
}

Writer& Writer::open(char bracket) {
  separate();
  out_->put(bracket);
  comma_ = false;
  return *this;
}

Writer& Writer::close(char bracket) {
  out_->put(bracket);
  comma_ = true;
  return *this;
}

void Writer::quote(std::string_view text) {
  out_->put('"');
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      out_->put("\\u");
      out_->put_hex(static_cast<unsigned char>(c), 4);
    } else {
      if (c == '"' || c == '\\') out_->put('\\');
      out_->put(c);
    }
  }
  out_->put('"');
}

Writer& Writer::key(std::string_view name) {
  separate();
  quote(name);
  out_->put(':');
  comma_ = false;
  return *this;
}

Writer& Writer::value(std::string_view text) {
  separate();
  quote(text);
  return *this;
}

Writer& Writer::value(bool value) {
  separate();
  out_->put(value ? "true" : "false");
  return *this;
}

Writer& Writer::put_signed(std::int64_t value) {
  separate();
  out_->put_signed(value);
  return *this;
}

Writer& Writer::put_unsigned(std::uint64_t value) {
  separate();
  out_->put_unsigned(value);
  return *this;
}

Writer& Writer::decimal(std::int64_t value, unsigned digits) {
  separate();
  auto magnitude = static_cast<std::uint64_t>(value);
  if (value < 0) {
    out_->put('-');
    magnitude = 0 - magnitude;
  }
  std::uint64_t unit = 1;
  for (unsigned i = 0; i < digits; ++i) unit *= 10;
  out_->put_unsigned(magnitude / unit);
  if (digits != 0) {
    out_->put('.');
    out_->put_unsigned(magnitude % unit, digits);
  }
  return *this;
}

}  // namespace fata::json
