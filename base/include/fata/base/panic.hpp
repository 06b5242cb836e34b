// Panics: for failures that only a bug (or exhaustion of the general heap) can cause.
#pragma once

#include <string_view>

namespace fata {

// Link-time hook, defined by the platform: reports `what`, the location and a backtrace, then stops
// the image with a non-zero status. Never returns; allocates nothing. File and line are the
// caller's (std::source_location would add a function name to every image for each check).
[[noreturn]] void panic(std::string_view what, const char* file = __builtin_FILE(),
                        unsigned line = __builtin_LINE()) noexcept;

// Checks an internal invariant in every build; must not be used on data from a peer.
inline void check(bool invariant, std::string_view what = "invariant broken",
                  const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) noexcept {
  if (!invariant) [[unlikely]]
    panic(what, file, line);
}

}  // namespace fata
