// Tags of what every target has.
#pragma once

#include <string_view>

namespace fata::config {

struct Clock {
  static constexpr std::string_view kName = "Clock", kConcept = "fata::sig::Clock",
                                    kHeader = "fata/sig/clock.hpp";
};
struct Random {
  static constexpr std::string_view kName = "Random", kConcept = "fata::sig::Random",
                                    kHeader = "fata/sig/clock.hpp";
};
struct Console {
  static constexpr std::string_view kName = "Console", kConcept = "fata::sig::Console",
                                    kHeader = "fata/sig/console.hpp";
};

}  // namespace fata::config
