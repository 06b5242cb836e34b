// fata/base/platform.hpp on Xen, and the startup, suspension and shutdown of a domain.
#include "fata/base/platform.hpp"

#include <new>
#include <utility>

#include "balloon.hpp"
#include "clock.hpp"
#include "console.hpp"
#include "fata/arch/boot.hpp"
#include "fata/arch/cpu.hpp"
#include "fata/arch/report.hpp"
#include "fata/async/loop.hpp"
#include "fata/base/text.hpp"
#include "fata/bus/xen/grants.hpp"
#include "fata/bus/xen/store.hpp"
#include "fata/kernel/entropy.hpp"
#include "fata/kernel/hypervisor.hpp"
#include "fata/kernel/restore.hpp"
#include "hypercall.hpp"
#include "idle.hpp"
#include "power.hpp"

namespace fata::xen {
namespace {

struct State {
  Console console;
  Clock clock;
  Control control;
  Balloon balloon;
  shared_info_t* shared = nullptr;
  Store* store = nullptr;
  bool listens = false;
  bool ending = false;
  WallCorrection wall_correction;
};
constinit State state{};
alignas(Store) constinit std::array<std::byte, sizeof(Store)> store_memory{};

// Must precede any use of the shared page: Xen detects a 64-bit guest when the guest sets a
// callback. No callback is needed, and none arrives while interrupts are masked. But libxc does not
// report a cancelled suspension (xl save -c, a failed migration) to a domain without a callback.
void find_shared_info() {
  constexpr std::uint64_t kType = 56, kVector = 0xf3;
  set_hvm_param(HVM_PARAM_CALLBACK_IRQ,
                std::uint64_t{HVM_PARAM_CALLBACK_TYPE_VECTOR} << kType | kVector);
  if (!map_hypervisor_page(XENMAPSPACE_shared_info, 0, state.shared))
    kernel::refuse("Xen gives no shared page");
  use_shared_info(*state.shared);
}

// A domain may be restored twice from one file, on one host or on two. On the same host, at least
// its number differs; the rest comes from the CPU and the time.
void reseed() {
  xen_domain_handle_t handle{};
  call(__HYPERVISOR_xen_version, XENVER_guest_handle, &handle);
  const std::array<std::uint64_t, 5> unique{
      static_cast<std::uint64_t>(state.clock.wall().ns), domain_number(),
      hvm_param(HVM_PARAM_STORE_EVTCHN),
      load_le<std::uint64_t>(std::as_bytes(std::span(handle)).first<8>()),
      load_le<std::uint64_t>(std::as_bytes(std::span(handle)).last<8>())};
  kernel::note_restore(std::as_bytes(std::span(unique)));
}

}  // namespace

// Runs between two turns of the loop. The manager maps the pages of the console and xenstore again
// at their old addresses.
void suspend() noexcept {
  kernel::devices().suspend();
  state.console.flush();
  sched_shutdown_t request{SHUTDOWN_suspend};
  const bool cancelled = call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &request) == 1;
  if (cancelled) return;
  find_shared_info();
  state.clock.resume(*state.shared);
  forget_ports();
  reseed();
  state.console.start();
  grants().resume();
  const auto port = static_cast<Port>(hvm_param(HVM_PARAM_STORE_EVTCHN));
  watch_port(port);
  state.store->rebind(port);
  kernel::devices().resume();
}

}  // namespace fata::xen

namespace fata::bus::xen {
using fata::xen::state;

Store& store() noexcept { return *state.store; }

void wait_a_moment(Port port) noexcept {
  fata::xen::wait_for_event({&port, 1},
                            state.shared == nullptr
                                ? 1
                                : state.clock.system_time_at(state.clock.now() + milliseconds(10)));
  take_event(port);
}

}  // namespace fata::bus::xen

namespace fata::kernel {
using xen::state;

void start_hypervisor() noexcept {
  if (!xen::find_hypervisor())
    refuse("this image is for Xen, and there is none: fata run -t xen, xl create");
  state.console.start();
  state.shared = static_cast<shared_info_t*>(xen::new_page());
  xen::find_shared_info();
  state.clock.start(*state.shared, arch::entry_tsc());
  void* const page = xen::map_hvm_page(HVM_PARAM_STORE_PFN);
  const auto port = static_cast<xen::Port>(xen::hvm_param(HVM_PARAM_STORE_EVTCHN));
  if (page == nullptr || port == 0) refuse("the domain has no xenstore");
  xen::watch_port(port);
  state.store = new (xen::store_memory.data()) xen::Store(page, port);
}

void finish_start() noexcept {}

// suspend() notices every suspension that the image takes part in. Other suspensions (a fork of the
// domain) go undetected.
bool look_for_restore() noexcept { return false; }

void refuse_without_entropy() noexcept {
  refuse(
      "no source of entropy: give the domain a CPU with RDRAND or RDSEED (cpuid= of its config "
      "hides it)");
}

// With status 0 or 63, the domain ends as requested; any other status counts as a crash, which the
// manager may handle. The status itself is written to xenstore.
void power_off(int status) noexcept {
  // Write it only once: with corrupt memory, the write may fault and lead back here.
  if (state.store != nullptr && !std::exchange(state.ending, true))
    state.store->write_last("data/exit-status", Text<16>(std::in_place, status).view());
  const bool good = status == 0 || status == 63;
  sched_shutdown_t request{SHUTDOWN_crash};
  if (good) request.reason = state.control.wants_reboot() ? SHUTDOWN_reboot : SHUTDOWN_poweroff;
  if (xen::find_hypervisor()) xen::call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &request);
  arch::halt_forever();
}

}  // namespace fata::kernel

namespace fata::platform {
using xen::state;

Instant monotonic_now() noexcept { return state.clock.now(); }
WallTime wall_now() noexcept {
  if (!state.wall_correction.exists()) return state.clock.wall();
  return state.wall_correction.read(monotonic_now(), host_wall()).time;
}
WallReading host_wall() noexcept { return host_reading(state.clock.wall(), {}); }
WallCorrection& wall_correction() noexcept { return state.wall_correction; }
void console_write(std::string_view text) noexcept { state.console.write(text); }
void console_flush() noexcept { state.console.flush(); }

bool poll_devices() noexcept {
  if (!state.listens) {  // in the first turn of the loop
    state.listens = true;
    state.control.start(*state.store);
    state.balloon.start(*state.store);
  }
  if (state.control.take_suspend()) xen::suspend();
  const bool completed = kernel::devices().poll();
  if (!state.console.is_empty()) state.console.drain();
  if (state.console.poll_stop()) kernel::request_stop();
  return completed;
}

void idle_until(Instant deadline) noexcept {
  kernel::note_idle();
  state.console.drain();
  if (!kernel::devices().prepare_to_idle()) return;
  if (monotonic_now() >= deadline) return;
  xen::wait_for_event(xen::watched_ports(), state.clock.system_time_at(deadline));
}

}  // namespace fata::platform

namespace fata::arch {

extern "C" void fata_platform_emergency_write(const char* text, std::size_t size) noexcept {
  xen::emergency_write({text, size});
}

}  // namespace fata::arch
