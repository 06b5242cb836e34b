// The platform header on a PC under a hypervisor: start, the loop's services, the end.
#include "fata/base/platform.hpp"

#include <cstdlib>
#include <new>
#include <optional>

#include "clock.hpp"
#include "console.hpp"
#include "fata/async/image.hpp"
#include "fata/async/loop.hpp"
#include "fata/base/log.hpp"
#include "fata/base/panic.hpp"
#include "fata/kvm/command_line.hpp"
#include "fata/kvm/device.hpp"
#include "fata/kvm/entropy.hpp"
#include "fata/libc/libc.hpp"
#include "fata/machine/boot.hpp"
#include "fata/machine/cpu.hpp"
#include "fata/machine/interrupts.hpp"
#include "fata/machine/report.hpp"
#include "power.hpp"

extern "C" {
using Constructor = void (*)();
extern Constructor __init_array_start[], __init_array_end[];
}

namespace fata::kvm {

struct DeviceList {
  Device* first = nullptr;

  void add(Device& device) { device.next_ = std::exchange(first, &device); }
  void remove(Device& device) {
    for (Device** link = &first; *link != nullptr; link = &(*link)->next_) {
      if (*link != &device) continue;
      *link = device.next_;
      return;
    }
  }
  bool poll() {
    bool completed = false;
    for (Device* device = first; device != nullptr; device = device->next_) completed |= device->poll();
    return completed;
  }
  bool prepare_to_idle() {
    for (Device* device = first; device != nullptr; device = device->next_) {
      if (!device->prepare_to_idle()) return false;
    }
    return true;
  }
};

namespace {

struct State {
  Console console;
  Clock clock;
  RandomGenerator random;
  CommandLine command_line;
  DeviceList devices;
  PowerButton power_button;
  Instant
      next_look{};  // when the console and the power button are looked at again although nothing interrupted
  bool stop_requested = false;
};
constinit State state{};
constinit async::Loop* the_loop = nullptr;
alignas(async::Loop) constinit std::array<std::byte, sizeof(async::Loop)> loop_memory{};

constexpr Duration kLookEvery = milliseconds(50);
constexpr int kWrongConfiguration = 64;

[[noreturn]] void refuse(std::string_view text) { machine::fata_platform_refuse(text.data(), text.size()); }

// An image that runs out of memory before it first waits was given too little: no bug of its own, hence no
// backtrace.
void refuse_exhaustion(std::string_view line) {
  platform::console_flush();
  refuse(line);
}

// Console input and the power button cost a port access each, so a busy loop looks at them now and then only.
void look_for_stop() {
  state.next_look = state.clock.now() + kLookEvery;
  if (state.console.poll_stop() || state.power_button.was_pressed()) state.stop_requested = true;
}

void start_random() {
  for (unsigned i = 0; i < 4; ++i) {
    std::uint64_t word = 0;
    const bool strong = machine::hardware_random(word);
    if (!strong) word = machine::read_tsc();
    state.random.add(std::as_bytes(std::span(&word, 1)), strong ? sizeof(word) : 0);
  }
}

}  // namespace

void attach(Device& device) noexcept { state.devices.add(device); }
void detach(Device& device) noexcept { state.devices.remove(device); }
std::span<const MmioDevice> mmio_devices() noexcept { return state.command_line.mmio_devices(); }
bool connect_pin(unsigned irq) noexcept { return machine::route_pin(irq, machine::allocate_interrupt()); }
machine::MsiMessage connect_msi() noexcept { return machine::msi_message(machine::allocate_interrupt()); }
void add_entropy(std::span<const std::byte> bytes) noexcept { state.random.add(bytes, bytes.size()); }

}  // namespace fata::kvm

namespace fata::platform {
using kvm::state;

Instant monotonic_now() noexcept { return state.clock.now(); }
WallTime wall_now() noexcept { return state.clock.wall(); }
void entropy(std::span<std::byte> out) noexcept { state.random.fill(out); }
void console_write(std::string_view text) noexcept { state.console.write(text); }
void console_flush() noexcept { state.console.flush(); }
std::span<const std::string_view> arguments() noexcept { return state.command_line.arguments(); }
std::size_t memory() noexcept { return machine::total_memory(); }
bool stop_requested() noexcept { return state.stop_requested; }

bool poll_devices() noexcept {
  const bool completed = state.devices.poll();
  if (!state.console.is_empty()) state.console.drain(1);
  state.clock.refine_in_passing();
  if (state.clock.now() >= state.next_look) kvm::look_for_stop();
  return completed;
}

void idle_until(Instant deadline) noexcept {
  libc::set_exhaustion_handler(nullptr);  // the image has started
  for (;;) {
    // Text that the device takes at once goes first; the loop turns between the bursts.
    if (state.console.drain(16)) return;
    if (!state.devices.prepare_to_idle()) return;
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

[[noreturn]] void exit(int status) noexcept {
  console_flush();
  kvm::power_off(status);
}

}  // namespace fata::platform

namespace fata {

void log_sink(log::Level, std::string_view line) noexcept {
  platform::console_write(line);
  platform::console_write("\n");
}

[[noreturn]] void panic(std::string_view what, const char* file, unsigned line) noexcept {
  if (!machine::begin_last_report()) kvm::power_off(machine::kCrashStatus);
  platform::console_flush();
  std::string_view name = file;
  name.remove_prefix(name.rfind('/') + 1);
  Text<512> text(std::in_place, "panic: ", what, " at ", name, ':', line);
  machine::report_line(text.view());
  const auto* const frame = static_cast<const std::uint64_t*>(__builtin_frame_address(0));
  machine::report_backtrace(reinterpret_cast<std::uint64_t>(__builtin_return_address(0)) - 1, *frame);
  kvm::power_off(machine::kCrashStatus);
}

namespace async {
Loop& current_loop() noexcept { return *kvm::the_loop; }
}  // namespace async

namespace machine {

extern "C" void fata_platform_emergency_write(const char* text, std::size_t size) noexcept {
  kvm::serial_write({text, size});
}

extern "C" [[noreturn]] void fata_platform_refuse(const char* text, std::size_t size) noexcept {
  kvm::serial_write({text, size});
  kvm::serial_write("\n");
  kvm::power_off(kvm::kWrongConfiguration);
}

extern "C" [[noreturn]] void fata_platform_main() noexcept {
  using kvm::state;
  start_interrupts();
  state.clock.start(entry_tsc());
  state.console.start();
  for (const Region& region : free_memory()) {
    libc::heap().add_region(reinterpret_cast<void*>(region.begin), region.size());
  }
  libc::set_exhaustion_handler(kvm::refuse_exhaustion);
  if (command_line_was_cut()) kvm::refuse("command line: longer than 4095 bytes");
  if (const std::string_view wrong = state.command_line.parse(command_line()); !wrong.empty()) {
    Text<160> line(std::in_place, "command line: ", wrong);
    kvm::refuse(line.view());
  }
  kvm::start_random();
  route_pin(4, allocate_interrupt());  // the console
  state.power_button.start();
  for (Constructor* constructor = __init_array_start; constructor != __init_array_end; ++constructor)
    (*constructor)();
  state.clock.finish_start();
  if (kvm::fata_gather_boot_entropy != nullptr) kvm::fata_gather_boot_entropy();
  if (!state.random.is_seeded()) {
    kvm::refuse("no source of entropy: give the guest RDRAND (-cpu max, -cpu host) or a virtio-rng device");
  }
  kvm::the_loop = new (kvm::loop_memory.data()) async::Loop();
  platform::exit(run_image(*kvm::the_loop));
}

}  // namespace machine
}  // namespace fata
