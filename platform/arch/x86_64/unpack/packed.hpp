// The packer's header for the unpacking code, in front of that code in the file.
#pragma once

#include <stdint.h>

namespace fata::unpack {

struct Header {
  uint32_t checksum;   // of the words that follow, to the end of the file
  uint32_t words;      // their number
  uint32_t place;      // their address during unpacking: after the image's memory
  uint32_t end;        // of all memory needed until the image runs
  uint32_t image;      // the image's address
  uint32_t code_size;  // of the code, at the image's start
  uint32_t entry;
  uint32_t packed;  // offset from this header to the packed data
};

inline constexpr uint32_t kLoadBase = 0x100000;  // of the file
inline constexpr uint32_t kHeaderPlace = 0xc8;  // in the file, after the part that the loader reads
inline constexpr uint32_t kStackSize = 1024;

// Each step is one to one, so damage within one word is always detected.
inline uint32_t checksum(const uint32_t* words, uint32_t count) {
  uint32_t sum = count;
  for (; count != 0; --count) {
    sum = (sum ^ *words++) * 0x9e3779b1;
    sum = sum << 13 | sum >> 19;
  }
  return sum;
}

}  // namespace fata::unpack
