// Counters: named numbers that only grow, kept as plain members of the part that counts.
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

// Writes "name 12, other 3", leaving out those that are 0; "nothing" if all are.
void write_counters(TextWriter& out, std::span<const Counter> counters);

}  // namespace fata
