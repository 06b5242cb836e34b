// Tests whether -accel kvm really works. /dev/kvm may exist and still only emulate, or fail on SSE
// in ring 0. Therefore a ROM with some 40 bytes of code runs: it enables SSE, uses it, counts to a
// million (a millisecond on real hardware, seconds if every instruction is emulated) and exits
// through isa-debug-exit.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <optional>

#include "arch.hpp"
#include "paths.hpp"
#include "qemu.hpp"
#include "spawn.hpp"

namespace fata::tool {
namespace {

constexpr int kProbeValue = 5;

std::string probe_rom() {
  constexpr std::array<unsigned char, 42> kCode{
      0x0f, 0x20, 0xe0,                           // mov eax, cr4
      0x66, 0x0d, 0x00, 0x06, 0x00,        0x00,  // or eax, OSFXSR | OSXMMEXCPT
      0x0f, 0x22, 0xe0,                           // mov cr4, eax
      0x0f, 0x20, 0xc0,                           // mov eax, cr0
      0x66, 0x83, 0xe0, 0xfb,                     // and eax, ~EM
      0x0f, 0x22, 0xc0,                           // mov cr0, eax
      0x0f, 0x57, 0xc0,                           // xorps xmm0, xmm0
      0x66, 0xb9, 0x40, 0x42, 0x0f,        0x00,  // mov ecx, 1000000
      0x66, 0x49, 0x75, 0xfc,                     // dec ecx; jnz
      0xba, 0xf4, 0x00, 0xb0, kProbeValue, 0xee,  // out 0xf4, value
      0xf4,                                       // hlt
  };
  std::string rom(65536, '\0');
  std::ranges::copy(kCode, rom.begin() + 0xff00);
  constexpr std::array<unsigned char, 3> kReset{0xe9, 0x0d, 0xff};  // jmp 0xff00
  std::ranges::copy(kReset, rom.begin() + 0xfff0);
  return rom;
}

// Returns the problem, or an empty string.
std::string probe() {
  const MemoryFile rom(probe_rom());
  Child child({qemu_program(kNativeArch), "-M", "microvm,acpi=off", "-accel", "kvm", "-cpu", "max",
               "-m", "2", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-bios", rom.path()},
              {});
  // The exit status is the result, and the output the reason; a hanging QEMU is killed.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
  std::string said;
  bool hung = false;
  for (std::array<char, 512> some{};;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd output{child.output(), POLLIN, 0};
    const int ready = ::poll(
        &output, 1, static_cast<int>(std::max(left.count(), std::chrono::milliseconds::rep{0})));
    if (ready == 0) {
      hung = true;
      ::kill(child.pid(), SIGKILL);
    }
    const ssize_t n = ::read(child.output(), some.data(), some.size());
    if (n <= 0) break;
    if (said.size() < 1024) said.append(some.data(), static_cast<std::size_t>(n));
  }
  if (child.wait() == 2 * kProbeValue + 1) return {};
  if (hung)
    return "a guest's instructions seem to be emulated one by one: it was a thousand times too "
           "slow";
  const std::string line = said.substr(0, said.find('\n'));
  return line.empty() ? "a guest of some 20 instructions failed" : line;
}

// The content of `cache` if it was written in this boot; nothing if it is older or missing.
std::optional<std::string> remembered(const fs::path& cache) {
  const std::string boot = read_file("/proc/sys/kernel/random/boot_id");
  if (cache.empty() || ::access(cache.c_str(), R_OK) != 0) return std::nullopt;
  const std::string text = read_file(cache);
  return text.starts_with(boot) ? std::optional(text.substr(boot.size())) : std::nullopt;
}

// If the write fails, the next command probes again.
void remember(const fs::path& cache, const std::string& what) {
  if (cache.empty()) return;
  std::ofstream(cache, std::ios::binary) << read_file("/proc/sys/kernel/random/boot_id") + what;
}

// Empty if there is no cache.
fs::path cached(const char* name) {
  const fs::path cache = own_cache();
  return cache.empty() ? cache : cache / name;
}

}  // namespace

std::string kvm_problem() {
  if (::access("/dev/kvm", F_OK) != 0) return "there is no /dev/kvm";
  if (::access("/dev/kvm", R_OK | W_OK) != 0)
    return "no permission to open /dev/kvm; is this user in the group kvm?";
  const fs::path cache = cached("kvm");
  if (const auto known = remembered(cache)) return *known;
  const std::string problem = probe();
  remember(cache, problem);
  return problem;
}

bool is_news(const std::string& problem) {
  const fs::path cache = cached("kvm-said");
  if (remembered(cache) == problem) return false;
  remember(cache, problem);
  return true;
}

}  // namespace fata::tool
