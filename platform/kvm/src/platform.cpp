// fata/base/platform.hpp on a PC under a hypervisor: clocks, console, polling, idling.
// platform/guest has the code that all kernels share.
#include "fata/base/platform.hpp"

#include <algorithm>

#include "clock.hpp"
#include "console.hpp"
#include "fata/bus/mmio.hpp"
#include "fata/bus/wake.hpp"
#include "fata/guest/hypervisor.hpp"
#include "fata/guest/restore.hpp"
#include "fata/machine/boot.hpp"
#include "fata/machine/cpu.hpp"
#include "fata/machine/interrupts.hpp"
#include "generation.hpp"
#include "power.hpp"

namespace fata::kvm {
namespace {

struct State {
  Console console;
  Clock clock;
  PowerButton power_button;
  GenerationId generation;
  bool looks_for_restore = false;  // from the first draw of random bytes on
  // The next check of the console and the power button without an interrupt.
  Instant next_look{};
};
constinit State state{};

constexpr Duration kLookEvery = milliseconds(50);
constexpr Duration kLookForRestoreEvery = seconds(1);

// Console input and the power button cost a port access each, so the loop checks them only now and
// then while it is busy.
void look_for_stop() {
  state.next_look = state.clock.now() + kLookEvery;
  if (state.console.poll_stop() || state.power_button.was_pressed()) guest::request_stop();
}

}  // namespace

}  // namespace fata::kvm

namespace fata::bus {

std::span<const guest::MmioDevice> mmio_devices() noexcept {
  return guest::command_line().mmio_devices();
}
bool connect_pin(unsigned irq) noexcept {
  return machine::route_pin(irq, machine::allocate_interrupt());
}
MsiMessage connect_msi() noexcept {
  const machine::MsiMessage message = machine::msi_message(machine::allocate_interrupt());
  return {message.address, message.data};
}

}  // namespace fata::bus

namespace fata::guest {
using kvm::state;

void refuse_without_entropy() noexcept {
  refuse(
      "no source of entropy: give the guest RDRAND (-cpu max, -cpu host) or a virtio-rng device");
}

void start_hypervisor() noexcept {
  machine::start_interrupts();
  state.clock.start(machine::entry_tsc());
  state.console.start();
  machine::route_pin(4, machine::allocate_interrupt());  // the console
  state.power_button.start();
}

void finish_start() noexcept { state.clock.finish_start(); }

bool look_for_restore() noexcept {
  if (!state.looks_for_restore) {
    state.looks_for_restore = true;
    state.generation.find();
    // The image may have been restored before this point.
    stir(state.generation.bytes());
    (void)state.clock.wall();
  }
  const bool is_told = state.generation.exists();
  if (is_told ? state.generation.changed() : state.clock.has_jumped()) {
    state.clock.resume();
    const std::int64_t wall = state.clock.wall().ns;
    note_restore(std::as_bytes(std::span(&wall, 1)));
    stir(state.generation.bytes());
  }
  state.clock.sharpen();
  return is_told;
}

}  // namespace fata::guest

namespace fata::platform {
using kvm::state;

Instant monotonic_now() noexcept { return state.clock.now(); }
WallTime wall_now() noexcept { return state.clock.wall(); }
void console_write(std::string_view text) noexcept { state.console.write(text); }
void console_flush() noexcept { state.console.flush(); }

bool poll_devices() noexcept {
  const bool completed = guest::poll_all();
  if (!state.console.is_empty()) state.console.drain(1);
  state.clock.refine_in_passing();
  if (state.clock.now() >= state.next_look) kvm::look_for_stop();
  return completed;
}

void idle_until(Instant deadline) noexcept {
  guest::note_idle();
  // A restore raises no interrupt.
  if (state.looks_for_restore)
    deadline = std::min(
        deadline, state.clock.now() + (state.clock.is_sharpening() ? kvm::WallEstimate::kOften
                                                                   : kvm::kLookForRestoreEvery));
  for (;;) {
    // First send the text that the device accepts at once; the loop turns between the bursts.
    if (state.console.drain(16)) return;
    if (!guest::prepare_all_to_idle()) return;
    state.console.prepare_to_idle();
    if (state.clock.now() >= deadline) return;
    state.clock.arm_timer(deadline);
    machine::wait_for_interrupt();
    const std::uint64_t interrupts = machine::take_interrupts();
    state.clock.timer_woke();
    state.clock.refine_in_passing();
    if ((interrupts & ~std::uint64_t{1}) != 0) {
      kvm::look_for_stop();
      return;
    }
  }
}

}  // namespace fata::platform

namespace fata::machine {

extern "C" void fata_platform_emergency_write(const char* text, std::size_t size) noexcept {
  kvm::serial_write({text, size});
}

}  // namespace fata::machine
