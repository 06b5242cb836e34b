// A job: an image's main task. The generated main constructs it with its devices and awaits
// start().
#pragma once

#include "fata/sig/awaits.hpp"

namespace fata::sig {

template <class J>
concept Job = requires(J& job) {
  { job.start() } -> Awaits<int>;  // exit status, 0 to 126
};

namespace archetype {
struct Job {
  Ready<int> start() { return {}; }
};
}  // namespace archetype

}  // namespace fata::sig
