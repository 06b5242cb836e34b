// Interrupts are noted, never handled: a vector's bit is set while the machine idles, and the loop
// polls its devices.
#pragma once

#include <cstdint>

namespace fata::machine {

// Silences the old 8259, starts the local APIC. Called once.
void start_interrupts();

// A bit of the pending set that nobody uses yet (1 to 62); 0 is the timer. Panics when all are
// taken.
unsigned allocate_interrupt();

// Routes a pin of the I/O APIC (a GSI) to a bit: edge-triggered, active high. The device must be
// acknowledged before it is asked to interrupt again, else there is no further edge. False if there
// is no such pin.
bool route_pin(unsigned pin, unsigned bit);

// What a device writes to raise a bit by MSI or MSI-X.
struct MsiMessage {
  std::uint64_t address;
  std::uint32_t data;
};
MsiMessage msi_message(unsigned bit);

// The bits that were raised since the last call.
std::uint64_t take_interrupts();

// The local APIC's one-shot timer, in its own ticks (divided by 1); 0 stops it.
void start_timer(std::uint32_t ticks);
std::uint32_t timer_remaining();
// TSC-deadline mode, where the CPU offers it: raised when the TSC passes `tsc`; 0 stops it.
bool has_tsc_deadline();
void start_tsc_deadline(std::uint64_t tsc);

}  // namespace fata::machine
