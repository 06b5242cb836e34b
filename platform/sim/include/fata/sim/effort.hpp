// How much a random test tries: FATA_TEST_LONG is set by `./fata test --long`.
#pragma once

#include <cstdlib>

namespace fata::sim {

inline unsigned effort(unsigned usual, unsigned in_long_run) {
  return std::getenv("FATA_TEST_LONG") != nullptr ? in_long_run : usual;
}

}  // namespace fata::sim
