// Shared by the fuzzers: a reader of an input's octets, and a check that ends the run.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <span>

namespace fata::fuzz {

inline void require(bool holds,
                    const std::source_location& where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: a requirement does not hold\n", where.file_name(),
               static_cast<unsigned>(where.line()));
  std::abort();
}

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> data) : rest_(data) {}

  bool empty() const { return rest_.empty(); }
  // 0 at the end.
  std::uint32_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::uint32_t word() {
    const std::uint32_t high = byte() << 8;
    return high | byte();
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace fata::fuzz
