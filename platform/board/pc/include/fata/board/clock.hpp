// The PC's clocks: a reference for the TSC's rate, and the time of day.
#pragma once

#include "fata/kernel/tsc_clock.hpp"
#include "fata/kernel/wall_estimate.hpp"

namespace fata::board {

// Starts the counter that sample_reference() reads.
void start_reference();
kernel::RateEstimate::Sample sample_reference();

// Reads UTC from the battery clock, which is exact to a second. Without one, returns an arbitrary
// time from 1970 on. Takes some microseconds, or a fraction of a millisecond if the PC is emulated
// in user space.
kernel::HostTime read_battery_clock();

}  // namespace fata::board
