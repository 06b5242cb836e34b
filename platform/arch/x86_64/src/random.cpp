#include "fata/arch/cpu.hpp"

namespace fata::arch {
namespace {
bool offers_rdrand() { return (cpuid(1).c >> 30) & 1; }
bool offers_rdseed() { return cpuid(0).a >= 7 && ((cpuid(7).b >> 18) & 1); }
}  // namespace

bool has_hardware_random() { return offers_rdrand() || offers_rdseed(); }

// Both instructions may fail transiently; vendors advise a few attempts.
bool hardware_random(std::uint64_t& out) {
  bool ok = false;
  if (offers_rdseed()) {
    for (unsigned tries = 0; tries < 32 && !ok; ++tries)
      asm volatile("rdseed %0; setc %1" : "=r"(out), "=qm"(ok)::"cc");
  }
  if (!ok && offers_rdrand()) {
    for (unsigned tries = 0; tries < 16 && !ok; ++tries)
      asm volatile("rdrand %0; setc %1" : "=r"(out), "=qm"(ok)::"cc");
  }
  return ok;
}

}  // namespace fata::arch
