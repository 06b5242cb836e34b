// Unpacks a kernel image: decompresses DEFLATE (RFC 1951), then converts addresses in the code
// back to relative ones. Runs in the guest as 32-bit code without a library, and on the host, where
// the packer verifies each image with it. Its input is trusted, because the start code has checked
// a checksum.
#pragma once

#include <stdint.h>

namespace fata::unpack {

constexpr unsigned kMaxLiterals = 288, kMaxDistances = 32, kLongestCode = 15;

// Decodes one symbol with one table lookup. The table has an entry for each value of the longest
// code: "symbol << 4 | length of its code".
struct Code {
  uint16_t entries[1U << kLongestCode];
  uint32_t mask;
};

struct Scratch {
  Code literals, distances;
  uint8_t lengths[kMaxLiterals + kMaxDistances];
};

inline uint32_t load32(const uint8_t* from) {
  uint32_t value = 0;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
inline void store32(uint8_t* to, uint32_t value) { __builtin_memcpy(to, &value, sizeof value); }

// Reads up to eight bytes past the end of its input.
class Bits {
 public:
  explicit Bits(const uint8_t* next) : next_(next) {}

  // Ensures that at least `count` bits, at most 24, are available.
  void need(unsigned count) {
    if (count_ >= count) return;
    held_ |= load32(next_) << count_;
    next_ += (31 - count_) >> 3;
    count_ |= 24;
  }
  uint32_t take(unsigned count) {
    const uint32_t value = held_ & ((1U << count) - 1);
    drop(count);
    return value;
  }
  uint32_t take_symbol(const Code& code) {
    const uint32_t entry = code.entries[held_ & code.mask];
    drop(entry & 15);
    return entry >> 4;
  }
  // Continues at the next whole byte: returns its address and skips `count` bytes.
  const uint8_t* take_bytes(unsigned count) {
    const uint8_t* const from = next_ - (count_ >> 3);
    next_ = from + count;
    held_ = count_ = 0;
    return from;
  }

 private:
  void drop(unsigned count) { held_ >>= count, count_ -= count; }

  const uint8_t* next_;
  uint32_t held_ = 0;
  unsigned count_ = 0;
};

// Codes are assigned from the shortest on, so the table doubles with each length. Codes are read
// from their first bit on, so they are counted in reversed bit order.
[[gnu::noinline]] inline void make_code(Code& code, const uint8_t* lengths, unsigned count) {
  unsigned left = 0;
  for (unsigned i = 0; i < count; ++i) left += lengths[i] != 0;
  uint32_t size = 1, next = 0;
  code.entries[0] = 0;
  for (unsigned length = 1; left != 0; ++length) {
    for (uint32_t i = 0; i < size; ++i) code.entries[size + i] = code.entries[i];
    const uint32_t top = size;
    size *= 2;
    for (unsigned symbol = 0; symbol < count; ++symbol) {
      if (lengths[symbol] != length) continue;
      code.entries[next] = static_cast<uint16_t>(symbol << 4 | length);
      --left;
      uint32_t bit = top;
      while ((next & bit) != 0) next ^= bit, bit >>= 1;
      next |= bit;
    }
  }
  code.mask = size - 1;
}

inline void read_codes(Bits& bits, Scratch& scratch) {
  bits.need(14);
  const unsigned literals = bits.take(5) + 257, distances = bits.take(5) + 1;
  unsigned count = bits.take(4) + 4;
  // The order of the code lengths' own code lengths: 16, 17, 18, 0, 8, 7, 9, 6, ... 15.
  constexpr unsigned kMaxLengths = 19;
  for (unsigned i = 0; i < kMaxLengths; ++i) scratch.lengths[i] = 0;
  for (unsigned i = 0; i < count; ++i) {
    bits.need(3);
    const unsigned half = i >> 1;
    const unsigned symbol = i < 3 ? 16 + i : i == 3 ? 0 : (i & 1) != 0 ? 9 - half : 6 + half;
    scratch.lengths[symbol] = static_cast<uint8_t>(bits.take(3));
  }
  make_code(scratch.distances, scratch.lengths, kMaxLengths);
  for (unsigned i = 0; i < literals + distances;) {
    bits.need(14);
    const unsigned symbol = bits.take_symbol(scratch.distances);
    unsigned times = 1;
    uint8_t length = static_cast<uint8_t>(symbol);
    if (symbol >= 16) {
      length = symbol == 16 ? scratch.lengths[i - 1] : 0;
      times = symbol == 18 ? 11 + bits.take(7) : 3 + bits.take(symbol - 14);
    }
    while (times-- != 0) scratch.lengths[i++] = length;
  }
  make_code(scratch.literals, scratch.lengths, literals);
  make_code(scratch.distances, scratch.lengths + literals, distances);
}

inline void fixed_codes(Scratch& scratch) {
  for (unsigned i = 0; i < kMaxLiterals; ++i)
    scratch.lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  make_code(scratch.literals, scratch.lengths, kMaxLiterals);
  for (unsigned i = 0; i < kMaxDistances; ++i) scratch.lengths[i] = 5;
  make_code(scratch.distances, scratch.lengths, kMaxDistances);
}

// Returns the end of the output, and writes up to three bytes past it.
inline uint8_t* inflate(const uint8_t* packed, uint8_t* out, Scratch& scratch) {
  Bits bits(packed);
  bool last = false;
  while (!last) {
    bits.need(3);
    last = bits.take(1) != 0;
    const unsigned kind = bits.take(2);
    if (kind == 0) {
      const uint8_t* const head = bits.take_bytes(0);
      unsigned size = load32(head) & 0xffff;
      const uint8_t* from = bits.take_bytes(size + 4) + 4;
      for (; size != 0; --size) *out++ = *from++;
      continue;
    }
    if (kind == 1) {
      fixed_codes(scratch);
    } else {
      read_codes(bits, scratch);
    }
    for (;;) {
      bits.need(kLongestCode + 5);
      uint32_t symbol = bits.take_symbol(scratch.literals);
      if (symbol < 256) {
        *out++ = static_cast<uint8_t>(symbol);
        continue;
      }
      if (symbol == 256) break;
      symbol -= 257;
      uint32_t length = 3 + symbol;
      if (symbol >= 8) {
        const unsigned extra = (symbol - 4) >> 2;
        length = symbol == 28 ? 258 : 3 + ((4 + (symbol & 3)) << extra) + bits.take(extra);
      }
      bits.need(kLongestCode);
      uint32_t distance = bits.take_symbol(scratch.distances);
      if (distance >= 2) {
        const unsigned extra = (distance >> 1) - 1;
        bits.need(13);
        distance = ((2 + (distance & 1)) << extra) + bits.take(extra);
      }
      ++distance;
      uint8_t* const end = out + length;
      const uint8_t* from = out - distance;
      if (distance >= 4) {
        for (; out < end; out += 4, from += 4) store32(out, load32(from));
        out = end;
      } else {
        while (out != end) *out++ = *from++;
      }
    }
  }
  return out;
}

// Calls (opcode e8), and moves and computations of addresses (88 to 8f) with an address relative to
// the instruction pointer, are packed with the address instead of the distance: all that refer to
// one place are then equal. Every value after such an opcode is mapped one to one within
// [-place, range), whether it is a distance or not; other values stay.
template <bool kPack>
void map_addresses(uint8_t* code, uint32_t size, uint32_t range) {
  constexpr unsigned kCall = 0xe8, kMoves = 0x88, kRelative = 5;
  for (uint32_t i = 0; i + 6 <= size;) {
    const unsigned opcode = code[i++];
    if (opcode < kMoves) continue;  // most bytes
    if (opcode < kMoves + 8) {
      if ((code[i] & 0xc7) != kRelative) continue;
      ++i;
    } else if (opcode != kCall) {
      continue;
    }
    const uint32_t value = load32(code + i), place = i;
    if constexpr (kPack) {
      if (value + place < range) {
        store32(code + i, value + place);
      } else if (value - (range - place) < place) {
        store32(code + i, value - range);
      }
    } else {
      if (value < range) {
        store32(code + i, value - place);
      } else if (value + place < place) {
        store32(code + i, value + range);
      }
    }
    i += 4;
  }
}

}  // namespace fata::unpack
