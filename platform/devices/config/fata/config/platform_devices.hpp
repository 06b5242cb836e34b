// What every target has: a clock, randomness and a console.
#pragma once

#include "fata/config/device.hpp"
#include "fata/config/sig/system.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

Device<Clock> default_clock(Where where = Where::current());
Device<Random> default_random(Where where = Where::current());
Device<Console> default_console(Where where = Where::current());

}  // namespace fata::config
