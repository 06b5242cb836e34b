// In base, async, sig and lib, only these functions build a span from a raw pointer and a length
// or advance a raw pointer; all other code there works with spans. The caller of danger_span
// guarantees that `length` elements at `pointer` live as long as the span is used; the caller of
// danger_advance guarantees that the result stays within the array into which `pointer` points.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace fata {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunsafe-buffer-usage"
#pragma clang diagnostic ignored "-Wunsafe-buffer-usage-in-container"
template <class T>
constexpr std::span<T> danger_span(T* pointer, std::size_t length) {
  return std::span<T>(pointer, length);
}
template <class T>
constexpr T* danger_advance(T* pointer, std::ptrdiff_t count) {
  return pointer + count;
}
#pragma clang diagnostic pop

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace fata
