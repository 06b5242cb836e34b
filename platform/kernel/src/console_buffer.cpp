#include "fata/kernel/console_buffer.hpp"

#include <algorithm>

#include "fata/base/text.hpp"

namespace fata::kernel {

[[gnu::weak]] void console_typed(char) noexcept {}

void ConsoleBuffer::put(std::string_view text) {
  std::size_t end = (first_ + used_) % kSize;
  used_ += text.size();
  for (const char c : text) {
    ring_[end] = c;
    end = end + 1 == kSize ? 0 : end + 1;
  }
}

void ConsoleBuffer::write(std::string_view text) {
  if (dropped_ != 0) {
    [[clang::uninitialized]] Text<64> note(std::in_place, "[console: ", dropped_,
                                           " bytes dropped]\n");
    if (note.size() + text.size() <= kSize - used_) {
      put(note.view());
      dropped_ = 0;
    }
  }
  if (dropped_ != 0 || text.size() > kSize - used_) {
    dropped_ += text.size();
    return;
  }
  put(text);
}

std::string_view ConsoleBuffer::front() const {
  return {ring_.data() + first_, std::min(used_, kSize - first_)};
}

void ConsoleBuffer::pop(std::size_t count) {
  first_ = (first_ + count) % kSize;
  used_ -= count;
  if (used_ == 0) write({});  // queues the count of dropped bytes, if any
}

}  // namespace fata::kernel
