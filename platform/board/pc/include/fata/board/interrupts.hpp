// The PC's interrupt controllers outside of the processor: the 8259 pair and the I/O APIC.
#pragma once

namespace fata::board {

// Masks the 8259 pair, and starts the processor's part. Called once, before fata/bus/wake.hpp is
// used.
void start_interrupts();

}  // namespace fata::board
