// Interrupts are noted, never handled: a vector's bit is set while the machine idles, and the loop
// then polls its devices.
#pragma once

#include <cstdint>

namespace fata::arch {

// Starts the local APIC. Called once, after the board masked its own controllers.
void start_interrupts();

// Allocates a bit of the pending set (1 to 62); 0 is the timer. Panics when all are in use.
unsigned allocate_interrupt();

// The write with which a device, or the board's interrupt controller, raises a bit (MSI): bits 12
// to 19 of the address are the local APIC's number, the data is the vector.
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
