// Text helpers shared by the library's sources.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace fata::dns {

inline constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
inline constexpr std::byte lower(std::byte b) {
  return static_cast<std::byte>(lower(static_cast<char>(b)));
}
inline constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

inline bool same_text(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

// Insertion sort for short lists: std::sort would cost an image kilobytes per element type.
template <class T, class Before>
void sort_short(std::span<T> list, Before before) {
  for (std::size_t i = 1; i < list.size(); ++i) {
    for (std::size_t at = i; at != 0 && before(list[at], list[at - 1]); --at)
      std::swap(list[at], list[at - 1]);
  }
}

// Takes one octet of master-file text, decoding \X and \DDD; -1 for an invalid escape. `text` must
// not be empty.
inline int take_octet(std::string_view& text) {
  const char c = text.front();
  text.remove_prefix(1);
  if (c != '\\') return static_cast<unsigned char>(c);
  if (text.empty()) return -1;
  if (!is_digit(text.front())) {
    const char escaped = text.front();
    text.remove_prefix(1);
    return static_cast<unsigned char>(escaped);
  }
  if (text.size() < 3 || !is_digit(text[1]) || !is_digit(text[2])) return -1;
  const int value = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  text.remove_prefix(3);
  return value > 255 ? -1 : value;
}

}  // namespace fata::dns
