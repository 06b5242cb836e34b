// Sequence numbers: 32 bits that wrap (RFC 9293 section 3.4). Comparisons are valid for numbers
// less than 2^31 apart.
#pragma once

#include <cstdint>

namespace fata::wire::tcp {

using Seq = std::uint32_t;

constexpr std::int32_t distance(Seq from, Seq to) { return static_cast<std::int32_t>(to - from); }
constexpr bool before(Seq a, Seq b) { return distance(b, a) < 0; }
constexpr bool after(Seq a, Seq b) { return distance(b, a) > 0; }
constexpr bool at_or_before(Seq a, Seq b) { return distance(b, a) <= 0; }
constexpr bool at_or_after(Seq a, Seq b) { return distance(b, a) >= 0; }
constexpr Seq later(Seq a, Seq b) { return before(a, b) ? b : a; }
constexpr Seq earlier(Seq a, Seq b) { return before(a, b) ? a : b; }

// The bytes [begin, end).
struct SeqRange {
  Seq begin = 0;
  Seq end = 0;
  constexpr std::uint32_t size() const { return end - begin; }
  friend bool operator==(const SeqRange&, const SeqRange&) = default;
};

}  // namespace fata::wire::tcp
