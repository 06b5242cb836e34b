// A console for the application's own output (log lines go elsewhere).
#pragma once

#include <concepts>
#include <string_view>

namespace fata::sig {

template <class C>
concept Console = requires(C& console, std::string_view text) {
  { console.write(text) } -> std::same_as<void>;  // buffered, never blocks; what overflows is dropped and reported
};

}  // namespace fata::sig
