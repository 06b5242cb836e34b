// How much a random test tries: FATA_TEST_LONG is set by `./fata test --long`.
#pragma once

#include <cstdlib>

namespace fata::sim {

inline bool long_run() { return std::getenv("FATA_TEST_LONG") != nullptr; }
inline unsigned effort(unsigned usual, unsigned in_long_run) {
  return long_run() ? in_long_run : usual;
}

}  // namespace fata::sim
