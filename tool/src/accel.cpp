// Does -accel kvm really work? /dev/kvm may be there and still only emulate, or fail on SSE in ring 0. So a
// ROM of 40 bytes is run: it turns SSE on, uses it, counts to a million (a millisecond on real hardware,
// seconds where every instruction is emulated) and leaves through isa-debug-exit.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

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

bool probe(const fs::path& rom) {
  Child child({"qemu-system-x86_64", "-M", "microvm,acpi=off", "-accel", "kvm", "-cpu", "max", "-m", "2",
               "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-device",
               "isa-debug-exit,iobase=0xf4,iosize=0x04", "-bios", rom},
              {});
  // Its output is of no interest, and its end is the answer; one that hangs is ended.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
  for (std::array<char, 512> ignored{};;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd output{child.output(), POLLIN, 0};
    const int ready =
        ::poll(&output, 1, static_cast<int>(std::max(left.count(), std::chrono::milliseconds::rep{0})));
    if (ready == 0) ::kill(child.pid(), SIGKILL);
    if (::read(child.output(), ignored.data(), ignored.size()) <= 0) break;
  }
  return child.wait() == 2 * kProbeValue + 1;
}

}  // namespace

bool kvm_works(const fs::path& cache) {
  if (::access("/dev/kvm", R_OK | W_OK) != 0) return false;
  const std::string boot = read_file("/proc/sys/kernel/random/boot_id");
  if (fs::exists(cache)) {
    const std::string known = read_file(cache);
    if (known == boot + "yes\n") return true;
    if (known == boot + "no\n") return false;
  }
  const fs::path rom = cache.string() + ".rom";
  write_if_changed(rom, probe_rom());
  const bool works = probe(rom);
  fs::remove(rom);
  write_if_changed(cache, boot + (works ? "yes\n" : "no\n"));
  return works;
}

}  // namespace fata::tool
