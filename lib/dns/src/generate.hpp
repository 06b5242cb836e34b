// $GENERATE's templates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fata::dns {

// What $GENERATE START-STOP[/STEP] counts.
struct GenerateRange {
  std::uint32_t start = 0, stop = 0, step = 1;

  std::uint64_t count() const { return std::uint64_t{stop - start} / step + 1; }
};

// False if it is no range.
bool parse_range(std::string_view text, GenerateRange& out);

// Appends `text` to `out` with `value` for each $, and for each ${offset[,width[,base]]} the sum of
// value and offset in that base (d, o, x, X; n, N: hex digits in reverse, with dots), filled with
// zeros to the width. An offset holds for later $ of the same text without braces, as in BIND 9.18.
// A negative sum is written as printf does. $$ is a plain $; what a backslash
// precedes stays as it is. False for wrong braces, a sum over 2^31-1, or a negative one in reverse.
bool expand_template(std::string_view text, std::uint32_t value, std::string& out);

// The text of a string whose quotes are gone: \" is a quote, all other escapes stay.
std::string without_escaped_quotes(std::string_view text);

}  // namespace fata::dns
