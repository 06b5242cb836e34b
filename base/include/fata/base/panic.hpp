// What only a bug (or exhaustion of the general heap) can cause ends here.
#pragma once

#include <source_location>
#include <string_view>

namespace fata {

// Link-time hook, defined by the platform: reports `what`, where and a backtrace, then stops the image with a
// non-zero status. Never returns; allocates nothing.
[[noreturn]] void panic(std::string_view what,
                        std::source_location where = std::source_location::current()) noexcept;

// Checks an invariant of our own in every build; never used on what a peer sends.
inline void check(bool invariant, std::string_view what = "invariant broken",
                  std::source_location where = std::source_location::current()) noexcept {
  if (!invariant) [[unlikely]] panic(what, where);
}

}  // namespace fata
