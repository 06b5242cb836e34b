// The conformance suite of block devices as an image. It tests the first disk, and reports the size
// of the second.
#pragma once

#include "../../../conformance/block/conformance.hpp"
#include "fata/async/context.hpp"
#include "fata/base/platform.hpp"
#include "fata/sig/console.hpp"

namespace block_suite {

template <fata::sig::BlockDevice First, fata::sig::BlockDevice Second, fata::sig::Console Console>
class Suite {
 public:
  Suite(fata::async::Context&, First& first, Second& second, Console& console, std::uint32_t seed)
      : first_(first), second_(second), console_(console), seed_(seed) {}

  fata::async::Task<int> start() {
    tell("sizes: ", first_.geometry().bytes(), " and ", second_.geometry().bytes());
    fata::block_test::Report report([](std::string_view line) {
      fata::platform::console_write(line);
      fata::platform::console_write("\n");
    });
    co_await fata::block_test::conform(&first_, seed_, &report);
    tell(report.checks(), " checks, ", report.failures(), " failures");
    co_return report.failures() == 0 ? 0 : 1;
  }

 private:
  template <class... Parts>
  void tell(const Parts&... parts) {
    console_.write(fata::Text<200>(std::in_place, parts..., "\n").view());
  }
  First& first_;
  Second& second_;
  Console& console_;
  std::uint32_t seed_;
};

}  // namespace block_suite
