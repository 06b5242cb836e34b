// Interrupts are noted, never handled: a vector's bit is set while the machine idles, and the loop
// then polls its devices.
#pragma once

#include <cstdint>

namespace fata::arch {

// Masks the old 8259 and starts the local APIC. Called once.
void start_interrupts();

// Allocates a bit of the pending set (1 to 62); 0 is the timer. Panics when all are in use.
unsigned allocate_interrupt();

// Routes a pin of the I/O APIC (a GSI), edge-triggered and active high, to a bit. The device must
// be acknowledged before its interrupt is enabled again, otherwise no further edge follows. Returns
// false if the pin does not exist.
bool route_pin(unsigned pin, unsigned bit);

// The write with which a device raises a bit through MSI or MSI-X.
struct MsiMessage {
  std::uint64_t address;
  std::uint32_t data;
};
MsiMessage msi_message(unsigned bit);

// The bits raised since the last call.
std::uint64_t take_interrupts();

// The local APIC's one-shot timer, in its own ticks (divided by 1); 0 stops it.
void start_timer(std::uint32_t ticks);
std::uint32_t timer_remaining();
// TSC-deadline mode, if the CPU has it. The timer's bit is raised when the TSC passes `tsc`; 0
// stops the timer.
bool has_tsc_deadline();
void start_tsc_deadline(std::uint64_t tsc);

}  // namespace fata::arch
