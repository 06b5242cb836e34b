// A 16 KiB output buffer for a slow console, so that writing never blocks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fata::kernel {

class ConsoleBuffer {
 public:
  static constexpr std::size_t kSize = 16384;

  // Queues the text. Text that does not fit is dropped and counted; the next text that fits is
  // preceded by a line with the count.
  void write(std::string_view text);
  bool is_empty() const { return used_ == 0; }
  // The oldest text, up to the end of the ring.
  std::string_view front() const;
  // Removes the first `count` bytes of front(). When the buffer is empty, queues a line with the
  // number of dropped bytes, if any.
  void pop(std::size_t count);

 private:
  void put(std::string_view text);

  std::array<char, kSize> ring_{};
  std::size_t first_ = 0;
  std::size_t used_ = 0;
  std::uint64_t dropped_ = 0;
};

// Receives each typed character, and ignores it unless the image has a ConsoleInput.
void console_typed(char c) noexcept;

}  // namespace fata::kernel
