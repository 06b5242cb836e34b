// A console for the application's own output (log lines go elsewhere).
#pragma once

#include <concepts>
#include <string_view>

namespace fata::sig {

template <class C>
concept Console = requires(C& console, std::string_view text) {
  // Buffered, never blocks. Text beyond the buffer is dropped, and the loss is reported.
  { console.write(text) } -> std::same_as<void>;
};

namespace archetype {
struct Console {
  void write(std::string_view) {}
};
}  // namespace archetype

}  // namespace fata::sig
