// What the packer tells the code that unpacks, before that code in the file.
#pragma once

#include <stdint.h>

namespace fata::unpack {

struct Header {
  uint32_t checksum;   // of the words that follow, to the end of the file
  uint32_t words;      // their number
  uint32_t place;      // where they are moved before they unpack: behind the memory of the image
  uint32_t end;        // of all memory that is needed until the image runs
  uint32_t image;      // where the image runs
  uint32_t code_size;  // of its first bytes, the code
  uint32_t entry;
  uint32_t packed;  // from this header to what is packed
};

inline constexpr uint32_t kLoadBase = 0x100000;  // of the file
inline constexpr uint32_t kHeaderPlace = 0xc8;   // in the file, behind what the loader reads
inline constexpr uint32_t kStackSize = 1024;

// Each step is one to one, so damage within one word never goes unseen.
inline uint32_t checksum(const uint32_t* words, uint32_t count) {
  uint32_t sum = count;
  for (; count != 0; --count) {
    sum = (sum ^ *words++) * 0x9e3779b1;
    sum = sum << 13 | sum >> 19;
  }
  return sum;
}

}  // namespace fata::unpack
