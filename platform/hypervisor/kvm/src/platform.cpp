// fata/base/platform.hpp on a PC under a hypervisor: clocks, console, polling, idling.
// platform/kernel has the code that all kernels share.
#include "fata/base/platform.hpp"

#include <algorithm>

#include "clock.hpp"
#include "fata/arch/boot.hpp"
#include "fata/arch/cpu.hpp"
#include "fata/arch/interrupts.hpp"
#include "fata/board/console.hpp"
#include "fata/board/interrupts.hpp"
#include "fata/board/power.hpp"
#include "fata/bus/found.hpp"
#include "fata/bus/wake.hpp"
#include "fata/kernel/hypervisor.hpp"
#include "fata/kernel/restore.hpp"
#include "generation.hpp"

namespace fata::kvm {
namespace {

struct State {
  board::Console console;
  Clock clock;
  board::PowerButton power_button;
  GenerationId generation;
  bool looks_for_restore = false;  // from the first draw of random bytes on
  // The next check of the console and the power button without an interrupt.
  Instant next_look{};
  WallCorrection wall_correction;
};
constinit State state{};

constexpr Duration kLookEvery = milliseconds(50);
constexpr Duration kLookForRestoreEvery = seconds(1);

// Console input and the power button cost a port access each, so the loop checks them only now and
// then while it is busy.
void look_for_stop() {
  state.next_look = state.clock.now() + kLookEvery;
  if (state.console.poll_stop() || state.power_button.was_pressed()) kernel::request_stop();
}

}  // namespace

}  // namespace fata::kvm

namespace fata::kernel {
using kvm::state;

void refuse_without_entropy() noexcept {
  refuse(
      "no source of entropy: give the guest RDRAND (-cpu max, -cpu host) or a virtio-rng device");
}

void start_hypervisor() noexcept {
  board::start_interrupts();
  state.clock.start(arch::entry_tsc());
  state.console.start();
  bus::connect_pin(4);  // the console
  state.power_button.start();
}

void finish_start() noexcept {
  state.clock.finish_start();
  bus::find_on_machine(bus::found_devices());
}

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

}  // namespace fata::kernel

namespace fata::platform {
using kvm::state;

Instant monotonic_now() noexcept { return state.clock.now(); }
WallTime wall_now() noexcept {
  if (!state.wall_correction.exists()) return state.clock.wall();
  return state.wall_correction.read(monotonic_now(), host_wall()).time;
}
WallReading host_wall() noexcept {
  const WallTime time = state.clock.wall();
  return host_reading(time, state.clock.wall_doubt());
}
WallCorrection& wall_correction() noexcept { return state.wall_correction; }
void console_write(std::string_view text) noexcept { state.console.write(text); }
void console_flush() noexcept { state.console.flush(); }

bool poll_devices() noexcept {
  const bool completed = kernel::devices().poll();
  if (!state.console.is_empty()) state.console.drain(1);
  state.clock.refine_in_passing();
  if (state.clock.now() >= state.next_look) kvm::look_for_stop();
  return completed;
}

void idle_until(Instant deadline) noexcept {
  kernel::note_idle();
  // A restore raises no interrupt.
  if (state.looks_for_restore)
    deadline = std::min(
        deadline, state.clock.now() + (state.clock.is_sharpening() ? kvm::WallEstimate::kOften
                                                                   : kvm::kLookForRestoreEvery));
  for (;;) {
    // First send the text that the device accepts at once; the loop turns between the bursts.
    if (state.console.drain(16)) return;
    if (!kernel::devices().prepare_to_idle()) return;
    state.console.prepare_to_idle();
    if (state.clock.now() >= deadline) return;
    state.clock.arm_timer(deadline);
    arch::wait_for_interrupt();
    const std::uint64_t interrupts = arch::take_interrupts();
    state.clock.timer_woke();
    state.clock.refine_in_passing();
    if ((interrupts & ~std::uint64_t{1}) != 0) {
      kvm::look_for_stop();
      return;
    }
  }
}

}  // namespace fata::platform

namespace fata::arch {

extern "C" void fata_platform_emergency_write(const char* text, std::size_t size) noexcept {
  board::serial_write({text, size});
}

}  // namespace fata::arch
