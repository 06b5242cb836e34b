// The memory functions are loops over 16-byte words. These are fast on hardware, and 20 to 200
// times faster than musl's `rep movs` on an emulated CPU.
#include <cstddef>
#include <cstdint>

namespace {
// Structs, because a template argument loses the attributes of an alias.
template <class T>
struct [[gnu::packed, gnu::may_alias]] Unaligned {
  T value;
};
using Vector = std::uint8_t __attribute__((vector_size(16)));
using Word = Unaligned<Vector>;
using Half = Unaligned<std::uint64_t>;
using Quarter = Unaligned<std::uint32_t>;

template <class T>
T& at(void* p, std::size_t offset) {
  return *reinterpret_cast<T*>(static_cast<char*>(p) + offset);
}
template <class T>
const T& at(const void* p, std::size_t offset) {
  return *reinterpret_cast<const T*>(static_cast<const char*>(p) + offset);
}

// Both ends are loaded before either is stored, so this also works for overlapping memory.
template <class T>
void copy_ends(void* to, const void* from, std::size_t n) {
  const T first = at<T>(from, 0), last = at<T>(from, n - sizeof(T));
  at<T>(to, 0) = first;
  at<T>(to, n - sizeof(T)) = last;
}
bool copy_small(void* to, const void* from, std::size_t n) {
  if (n > 32) return false;
  if (n >= 16) return copy_ends<Word>(to, from, n), true;
  if (n >= 8) return copy_ends<Half>(to, from, n), true;
  if (n >= 4) return copy_ends<Quarter>(to, from, n), true;
  if (n == 0) return true;
  const char first = at<char>(from, 0), middle = at<char>(from, n / 2),
             last = at<char>(from, n - 1);
  at<char>(to, 0) = first, at<char>(to, n / 2) = middle, at<char>(to, n - 1) = last;
  return true;
}
}  // namespace

extern "C" {

void* memmove(void* to, const void* from, std::size_t n) {
  if (copy_small(to, from, n)) return to;
  if (reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from) >= n) {
    const Word last = at<Word>(from, n - 16);
    for (std::size_t i = 0; i + 16 < n; i += 16) at<Word>(to, i) = at<Word>(from, i);
    at<Word>(to, n - 16) = last;
  } else {
    const Word first = at<Word>(from, 0);
    for (std::size_t i = n; i > 16; i -= 16) at<Word>(to, i - 16) = at<Word>(from, i - 16);
    at<Word>(to, 0) = first;
  }
  return to;
}

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t n) {
  if (copy_small(to, from, n)) return to;
  const Word last = at<Word>(from, n - 16);
  std::size_t i = 0;
  for (; i + 64 < n; i += 64) {
    const Word a = at<Word>(from, i), b = at<Word>(from, i + 16), c = at<Word>(from, i + 32),
               d = at<Word>(from, i + 48);
    at<Word>(to, i) = a, at<Word>(to, i + 16) = b, at<Word>(to, i + 32) = c,
                 at<Word>(to, i + 48) = d;
  }
  for (; i + 16 < n; i += 16) at<Word>(to, i) = at<Word>(from, i);
  at<Word>(to, n - 16) = last;
  return to;
}

void* memset(void* to, int value, std::size_t n) {
  const auto byte = static_cast<std::uint8_t>(value);
  if (n < 16) {
    for (std::size_t i = 0; i < n; ++i) at<volatile std::uint8_t>(to, i) = byte;
    return to;
  }
  const Word word{Vector{} + byte};
  for (std::size_t i = 0; i + 16 < n; i += 16) at<Word>(to, i) = word;
  at<Word>(to, n - 16) = word;
  return to;
}

int memcmp(const void* a, const void* b, std::size_t n) {
  std::size_t i = 0;
  while (i + 8 <= n && at<Half>(a, i).value == at<Half>(b, i).value) i += 8;
  for (; i < n; ++i) {
    const int difference = at<std::uint8_t>(a, i) - at<std::uint8_t>(b, i);
    if (difference != 0) return difference;
  }
  return 0;
}

}  // extern "C"
