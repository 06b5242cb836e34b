// $GENERATE's templates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fata::dns {

// The range of $GENERATE: START-STOP[/STEP].
struct GenerateRange {
  std::uint32_t start = 0, stop = 0, step = 1;

  std::uint64_t count() const { return std::uint64_t{stop - start} / step + 1; }
};

// False if the text is not a range.
bool parse_range(std::string_view text, GenerateRange& out);

// Appends `text` to `out`. Each $ becomes `value`; each ${offset[,width[,base]]} the sum of value
// and offset in that base (d, o, x, X; n, N: hex digits in reverse, with dots), padded with zeros
// to the width. An offset also applies to later $ without braces in the same text, as in BIND 9.18.
// A negative sum is written as by printf. $$ is a plain $; characters after a backslash stay
// unchanged. False for malformed braces, a sum over 2^31-1, or a negative sum in reverse.
bool expand_template(std::string_view text, std::uint32_t value, std::string& out);

// The content of a quoted string: \" becomes a quote, all other escapes stay.
std::string without_escaped_quotes(std::string_view text);

}  // namespace fata::dns
