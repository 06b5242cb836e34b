#include "fata/config/platform_devices.hpp"

namespace fata::config {

namespace {
template <Tag T>
Device<T> platform_device(std::string_view type, Where where) {
  return device<T>({.type = "fata::platform_devices::" + std::string(type),
                    .headers = {"fata/platform_devices/devices.hpp"},
                    .libraries = {"platform_devices"},
                    .where = where});
}
}  // namespace

Device<Clock> default_clock(Where where) { return platform_device<Clock>("Clock", where); }
Device<Random> default_random(Where where) { return platform_device<Random>("Random", where); }
Device<Console> default_console(Where where) { return platform_device<Console>("Console", where); }

}  // namespace fata::config
