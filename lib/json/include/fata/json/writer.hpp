// Writer: JSON without white space, into a TextWriter, whose truncated() reports whether text was
// cut off. The caller is responsible for correct nesting; commas and escapes are automatic.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "fata/base/text.hpp"

namespace fata::json {

class Writer {
 public:
  explicit Writer(TextWriter& out) : out_(&out) {}

  Writer& object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& array() { return open('['); }
  Writer& end_array() { return close(']'); }
  Writer& key(std::string_view name);

  Writer& value(std::string_view text);
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(bool value);
  Writer& value(std::signed_integral auto value) { return put_signed(value); }
  Writer& value(std::unsigned_integral auto value) { return put_unsigned(value); }
  // value / 10^digits: decimal(1500, 3) is 1.500.
  Writer& decimal(std::int64_t value, unsigned digits);
  template <class T>
  Writer& field(std::string_view name, const T& of) {
    return key(name).value(of);
  }

 private:
  Writer& open(char bracket);
  Writer& close(char bracket);
  Writer& put_signed(std::int64_t value);
  Writer& put_unsigned(std::uint64_t value);
  void quote(std::string_view text);
  void separate();

  TextWriter* out_;
  bool comma_ = false;
};

}  // namespace fata::json
