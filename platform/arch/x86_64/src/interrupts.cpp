#include "fata/arch/interrupts.hpp"

#include "fata/arch/boot.hpp"
#include "fata/arch/cpu.hpp"
#include "fata/arch/memory.hpp"
#include "fata/base/panic.hpp"

extern "C" {
std::uint64_t fata_interrupts_pending = 0;
std::uint64_t fata_local_apic = 0xfee00000;
}

namespace fata::arch {
namespace {
constexpr unsigned kFirstVector = 32;
constexpr unsigned kSpuriousBit = 63;  // vector 0x5f

enum LocalRegister : std::uint32_t {
  kId = 0x20,
  kTaskPriority = 0x80,
  kSpurious = 0xf0,
  kTimer = 0x320,
  kLint0 = 0x350,
  kLint1 = 0x360,
  kError = 0x370,
  kTimerCount = 0x380,
  kTimerNow = 0x390,
  kTimerDivide = 0x3e0,
};
constexpr std::uint32_t kMasked = 1U << 16;
constexpr std::uint32_t kNmi = 4U << 8;  // delivery mode: NMIs injected by a manager arrive here
constexpr std::uint32_t kDeadlineMode = 2U << 17;
constexpr std::uint32_t kDeadlineMsr = 0x6e0;

volatile std::uint32_t& local(LocalRegister at) {
  return *reinterpret_cast<volatile std::uint32_t*>(fata_local_apic + at);
}

constinit unsigned next_bit = 1;
}  // namespace

void start_interrupts() {
  if (bus::map_device(fata_local_apic, kPage) == nullptr) {
    static constexpr char kText[] = "the memory map names the interrupt controllers' registers RAM";
    fata_platform_refuse(kText, sizeof(kText) - 1);
  }
  write_msr(0x1b, read_msr(0x1b) | (1U << 11));
  local(kSpurious) = 0x100 | (kFirstVector + kSpuriousBit);
  local(kTaskPriority) = 0;
  local(kLint0) = kMasked;
  local(kLint1) = kNmi;
  local(kError) = kMasked;
  local(kTimerDivide) = 0xb;
  local(kTimer) = kFirstVector | (has_tsc_deadline() ? kDeadlineMode : 0);
}

unsigned allocate_interrupt() {
  check(next_bit < kSpuriousBit, "more than 62 interrupts asked for");
  return next_bit++;
}

MsiMessage msi_message(unsigned bit) {
  return {0xfee00000 | (local(kId) >> 24 << 12), kFirstVector + bit};
}

std::uint64_t take_interrupts() {
  const std::uint64_t pending = __atomic_load_n(&fata_interrupts_pending, __ATOMIC_RELAXED);
  __atomic_store_n(&fata_interrupts_pending, 0, __ATOMIC_RELAXED);
  return pending;
}

void start_timer(std::uint32_t ticks) { local(kTimerCount) = ticks; }
std::uint32_t timer_remaining() { return local(kTimerNow); }
bool has_tsc_deadline() { return (cpuid(1).c >> 24) & 1; }
void start_tsc_deadline(std::uint64_t tsc) { write_msr(kDeadlineMsr, tsc); }

}  // namespace fata::arch
