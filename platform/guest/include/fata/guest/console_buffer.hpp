// What waits for a slow console: 16 KiB, so that writing never waits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fata::guest {

class ConsoleBuffer {
 public:
  static constexpr std::size_t kSize = 16384;

  // Queues; what does not fit is dropped and counted, and said in the next text that fits.
  void write(std::string_view text);
  bool is_empty() const { return used_ == 0; }
  // The oldest text, as much of it as lies in one piece.
  std::string_view front() const;
  // Takes the first bytes of front() out; when nothing is left, what was dropped is queued as a
  // line.
  void pop(std::size_t count);

 private:
  void put(std::string_view text);

  std::array<char, kSize> ring_{};
  std::size_t first_ = 0;
  std::size_t used_ = 0;
  std::uint64_t dropped_ = 0;
};

// What was typed goes there: nowhere, but in an image that has a ConsoleInput.
void console_typed(char c) noexcept;

}  // namespace fata::guest
