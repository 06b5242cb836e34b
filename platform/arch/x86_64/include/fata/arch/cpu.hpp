// Instructions without a C++ equivalent. All of them need ring 0 or access devices.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fata::arch {

inline void out8(std::uint16_t port, std::uint8_t value) {
  asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}
inline void out16(std::uint16_t port, std::uint16_t value) {
  asm volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}
inline void out32(std::uint16_t port, std::uint32_t value) {
  asm volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}
inline std::uint8_t in8(std::uint16_t port) {
  std::uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
inline std::uint16_t in16(std::uint16_t port) {
  std::uint16_t value;
  asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
inline std::uint32_t in32(std::uint16_t port) {
  std::uint32_t value;
  asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

struct CpuId {
  std::uint32_t a, b, c, d;
};
inline CpuId cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
  CpuId r;
  asm volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(subleaf));
  return r;
}

inline std::uint64_t read_msr(std::uint32_t index) {
  std::uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
  return (std::uint64_t{high} << 32) | low;
}
inline void write_msr(std::uint32_t index, std::uint64_t value) {
  asm volatile("wrmsr" ::"c"(index), "a"(static_cast<std::uint32_t>(value)),
               "d"(static_cast<std::uint32_t>(value >> 32))
               : "memory");
}

// The reading is ordered after earlier loads, so that a time read after a value is not older than
// the value.
inline std::uint64_t read_tsc() {
  std::uint32_t low, high;
  asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
  return (std::uint64_t{high} << 32) | low;
}

inline std::uint64_t read_cr2() {
  std::uint64_t value;
  asm volatile("mov %%cr2, %0" : "=r"(value));
  return value;
}
inline std::uint64_t read_cr3() {
  std::uint64_t value;
  asm volatile("mov %%cr3, %0" : "=r"(value));
  return value;
}
// Also flushes all translations.
inline void write_cr3(std::uint64_t value) {
  asm volatile("mov %0, %%cr3" ::"r"(value) : "memory");
}
inline std::uint64_t read_cr4() {
  std::uint64_t value;
  asm volatile("mov %%cr4, %0" : "=r"(value));
  return value;
}
inline void write_cr4(std::uint64_t value) {
  asm volatile("mov %0, %%cr4" ::"r"(value) : "memory");
}
inline void invalidate_page(std::uint64_t address) {
  asm volatile("invlpg (%0)" ::"r"(address) : "memory");
}

// One word from RDSEED or RDRAND; false if the CPU has neither or both fail repeatedly.
bool hardware_random(std::uint64_t& out);
bool has_hardware_random();

// Enables interrupts, sleeps until one arrives, and disables them again. A pending interrupt ends
// the sleep at once.
inline void wait_for_interrupt() { asm volatile("sti; hlt; cli" ::: "memory"); }

// The last resort, if the machine could not be switched off.
[[noreturn]] inline void halt_forever() {
  for (;;) asm volatile("cli; hlt");
}

}  // namespace fata::arch
