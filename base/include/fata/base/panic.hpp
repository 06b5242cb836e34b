// What only a bug (or exhaustion of the general heap) can cause ends here.
#pragma once

#include <string_view>

namespace fata {

// Link-time hook, defined by the platform: reports `what`, where and a backtrace, then stops the
// image with a non-zero status. Never returns; allocates nothing. File and line are those of the
// caller (std::source_location would add the function's name to every image, for each check).
[[noreturn]] void panic(std::string_view what, const char* file = __builtin_FILE(),
                        unsigned line = __builtin_LINE()) noexcept;

// Checks an invariant of our own in every build; never used on what a peer sends.
inline void check(bool invariant, std::string_view what = "invariant broken",
                  const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) noexcept {
  if (!invariant) [[unlikely]]
    panic(what, file, line);
}

}  // namespace fata
