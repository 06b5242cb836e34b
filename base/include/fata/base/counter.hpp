// Counters: named, monotonically increasing numbers that are plain members of the component that
// counts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "fata/base/text.hpp"

namespace fata {

struct Counter {
  std::string_view name;  // static text: "rx_dropped_checksum"
  std::uint64_t value = 0;

  Counter& operator++() { return ++value, *this; }
  Counter& operator+=(std::uint64_t n) { return value += n, *this; }
};

// Writes "name 12, other 3" without the zero counters; "nothing" if all are zero.
void write_counters(TextWriter& out, std::span<const Counter> counters);

}  // namespace fata
