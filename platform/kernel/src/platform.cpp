// The code that all kernels share, whatever the hypervisor: startup until the application runs,
// parameters, randomness, and shutdown.
#include "fata/base/platform.hpp"

#include <new>
#include <utility>

#include "fata/arch/boot.hpp"
#include "fata/arch/cpu.hpp"
#include "fata/arch/report.hpp"
#include "fata/async/image.hpp"
#include "fata/async/loop.hpp"
#include "fata/base/log.hpp"
#include "fata/base/panic.hpp"
#include "fata/bus/entropy.hpp"
#include "fata/bus/found.hpp"
#include "fata/kernel/command_line.hpp"
#include "fata/kernel/entropy.hpp"
#include "fata/kernel/hypervisor.hpp"
#include "fata/kernel/restore.hpp"
#include "fata/libc/libc.hpp"

extern "C" {
using Constructor = void (*)();
extern Constructor __init_array_start[], __init_array_end[];
}

namespace fata::kernel {

namespace {

// What each core will have one of: its loop, the devices that the loop polls, its generator.
struct Core {
  RandomGenerator random;
  bus::DeviceList devices;
  async::Loop* loop = nullptr;
  alignas(async::Loop) std::array<std::byte, sizeof(async::Loop)> loop_memory{};
};
constinit Core core{};

// What the machine has one of, however many cores it has.
struct Machine {
  CommandLine command_line;
  bus::FoundDevices found;
  std::uint64_t generation = 0;
  bool stop_requested = false;
};
constinit Machine machine{};

constexpr int kWrongConfiguration = 64;

// An image that runs out of memory before it first idles was given too little. That is not a bug in
// the image, so there is no backtrace.
void refuse_exhaustion(std::string_view line) {
  platform::console_flush();
  refuse(line);
}

// Mixes random words from the CPU into the generator, or the time stamp counter if the CPU returns
// none. Returns the first word.
std::uint64_t add_cpu_random() {
  std::array<std::uint64_t, RandomGenerator::kEnough / 8> words;
  bool strong = true;
  for (std::uint64_t& word : words) {
    if (!arch::hardware_random(word)) word = arch::read_tsc(), strong = false;
  }
  core.random.add(std::as_bytes(std::span(words)), strong ? cpu_entropy(words) : 0);
  return words[0];
}

// Returns a word that differs between boots even if the CPU's generator is stuck. It reveals at
// most 64 of 256 bits.
std::uint64_t start_random() { return add_cpu_random() ^ arch::mixed_tsc(); }

}  // namespace

void refuse(std::string_view text) noexcept {
  arch::fata_platform_refuse(text.data(), text.size());
}
void request_stop() noexcept { machine.stop_requested = true; }
bus::DeviceList& devices() noexcept { return core.devices; }
void note_idle() noexcept { libc::set_exhaustion_handler(nullptr); }
void stir(Bytes unique) noexcept {
  add_cpu_random();
  const std::uint64_t tsc = arch::read_tsc();
  core.random.add(std::as_bytes(std::span(&tsc, 1)), 0);
  core.random.add(unique, 0);
}

void note_restore(Bytes unique) noexcept {
  stir(unique);
  ++machine.generation;
}

}  // namespace fata::kernel

namespace fata::bus {
using kernel::core;
using kernel::machine;

void attach(Device& device) noexcept { core.devices.add(device); }
void detach(Device& device) noexcept { core.devices.remove(device); }
FoundDevices& found_devices() noexcept { return machine.found; }
void add_entropy(std::span<const std::byte> bytes) noexcept {
  core.random.add(bytes, bytes.size());
}

}  // namespace fata::bus

namespace fata::platform {
using kernel::core;
using kernel::machine;

void entropy(std::span<std::byte> out) noexcept {
  if (!kernel::look_for_restore()) kernel::stir({});
  core.random.fill(out);
}
std::uint64_t generation() noexcept {
  (void)kernel::look_for_restore();
  return machine.generation;
}
std::span<const std::string_view> arguments() noexcept { return machine.command_line.arguments(); }
StrayWord classify_stray(std::string_view word) noexcept {
  return kernel::classify_kernel_word(word);
}
std::size_t memory() noexcept { return arch::total_memory(); }
bool stop_requested() noexcept { return machine.stop_requested; }

[[noreturn]] void exit(int status) noexcept {
  console_flush();
  kernel::power_off(status);
}

}  // namespace fata::platform

namespace fata {

void log_sink(log::Level, std::string_view line) noexcept {
  platform::console_write(line);
  platform::console_write("\n");
}

[[noreturn]] void panic(std::string_view what, const char* file, unsigned line) noexcept {
  if (!arch::begin_last_report()) kernel::power_off(arch::kCrashStatus);
  platform::console_flush();
  std::string_view name = file;
  name.remove_prefix(name.rfind('/') + 1);
  [[clang::uninitialized]] Text<512> text(std::in_place, "panic: ", what, " at ", name, ':', line);
  arch::report_line(text.view());
  const auto* const frame = static_cast<const std::uint64_t*>(__builtin_frame_address(0));
  arch::report_backtrace(reinterpret_cast<std::uint64_t>(__builtin_return_address(0)) - 1, *frame);
  kernel::power_off(arch::kCrashStatus);
}

namespace async {
Loop& current_loop() noexcept { return *kernel::core.loop; }
}  // namespace async

namespace arch {

extern "C" [[noreturn]] void fata_platform_refuse(const char* text, std::size_t size) noexcept {
  fata_platform_emergency_write(text, size);
  fata_platform_emergency_write("\n", 1);
  kernel::power_off(kernel::kWrongConfiguration);
}

namespace {
// The compiler generated these functions and their table without the types that FATA_CFI checks.
// The table is read-only.
[[clang::no_sanitize("cfi-icall")]] void run_constructors() {
  for (Constructor* constructor = __init_array_start; constructor != __init_array_end;
       ++constructor)
    (*constructor)();
}
}  // namespace

extern "C" [[noreturn]] void fata_platform_main() noexcept {
  using kernel::core;
  using kernel::machine;
  // RAM is mapped one to one, so regions are where the hypervisor put them. The heap's part of each
  // region starts up to 16 KiB further in, at a different offset in each boot.
  const std::uint64_t gap = kernel::start_random() & 0x3ff0;
  libc::heap().set_secret(kernel::start_random());
  for (const Region& region : free_memory()) {
    if (region.size() > gap)
      libc::heap().add_region(reinterpret_cast<void*>(region.begin + gap), region.size() - gap);
  }
  libc::set_exhaustion_handler(kernel::refuse_exhaustion);
  kernel::start_hypervisor();
  const std::string_view wrong = command_line_was_cut()
                                     ? std::string_view("longer than 4095 bytes")
                                     : machine.command_line.parse(command_line(), machine.found);
  if (!wrong.empty()) {
    constexpr std::string_view kWhere = "command line: ";
    fata_platform_emergency_write(kWhere.data(), kWhere.size());
    kernel::refuse(wrong);
  }
  run_constructors();
  kernel::finish_start();
  if (bus::fata_gather_boot_entropy != nullptr)
    bus::fata_gather_boot_entropy(!core.random.is_seeded());
  if (!core.random.is_seeded()) kernel::refuse_without_entropy();
  core.loop = new (core.loop_memory.data()) async::Loop();
  platform::exit(run_image(*core.loop));
}

}  // namespace arch
}  // namespace fata
