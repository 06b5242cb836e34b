// Reports of failures, written directly to the console.
#pragma once

#include <cstdint>
#include <string_view>

#include "fata/base/text.hpp"

namespace fata::arch {

inline constexpr int kCrashStatus = 125;  // exit status after a panic or an exception

// Writes one line, bypassing the console's buffer.
void report_line(std::string_view text);

template <class... Parts>
void report(const Parts&... parts) {
  [[clang::uninitialized]] Text<256> line(std::in_place, parts...);
  report_line(line.view());
}

// Prints lines "  #0 0x101234 (image+0x1234)": the first number is the address in the .elf file.
// `address` is line 0 and `caller`, if not 0, line 1; the others follow the frame pointers from
// `frame`, never outside the stacks. Return addresses are printed less 1, so that each number is
// inside its call instruction.
void report_backtrace(std::uint64_t address, std::uint64_t frame, std::uint64_t caller = 0);

// True only for the first caller: a failing report must not report itself. Later callers should
// stop the machine at once.
bool begin_last_report();

}  // namespace fata::arch
