#include "descriptors.hpp"

#include <array>
#include <cstdint>

extern "C" {
extern char fata_vectors[];
extern char fata_stack_fault_top[], fata_stack_double_fault_top[], fata_stack_nmi_top[];
}

namespace fata::arch {
namespace {
// vectors.S has stubs of 8 bytes for the 32 exceptions, followed by stubs of 5 bytes.
constexpr std::uint64_t stub_offset(unsigned vector) {
  return vector < 32 ? vector * 8 : 32 * 8 + (vector - 32) * 5;
}

struct [[gnu::packed]] TaskState {
  std::uint32_t reserved0;
  std::uint64_t stacks[3];
  std::uint64_t reserved1;
  std::uint64_t interrupt_stacks[7];
  std::uint64_t reserved2;
  std::uint16_t reserved3, io_map;
};
struct Gate {
  std::uint64_t low, high;
};
struct [[gnu::packed]] Pointer {
  std::uint16_t limit;
  std::uint64_t base;
};
constexpr unsigned kGates = 96;
constexpr std::uint64_t kCode = 8;
constexpr std::uint16_t kTask = 24;

constinit TaskState task{};
constinit std::array<std::uint64_t, 5> segments{0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0};
constinit std::array<Gate, kGates> gates{};

// Exceptions use a separate stack, because a stack overflow may have caused them. Those that may
// occur while another one is handled use further stacks.
std::uint64_t interrupt_stack(unsigned vector) {
  if (vector == 2) return 3;                  // NMI
  if (vector == 8 || vector == 18) return 2;  // double fault, machine check
  return vector < 32 ? 1 : 0;                 // interrupts occur only while idle
}
}  // namespace

void load_descriptors() {
  task.interrupt_stacks[0] = reinterpret_cast<std::uint64_t>(fata_stack_fault_top);
  task.interrupt_stacks[1] = reinterpret_cast<std::uint64_t>(fata_stack_double_fault_top);
  task.interrupt_stacks[2] = reinterpret_cast<std::uint64_t>(fata_stack_nmi_top);
  task.io_map = sizeof(TaskState);
  const auto base = reinterpret_cast<std::uint64_t>(&task);
  segments[3] = (sizeof(TaskState) - 1) | ((base & 0xffffff) << 16) | (0x89ULL << 40) |
                ((base >> 24 & 0xff) << 56);
  segments[4] = base >> 32;
  for (unsigned vector = 0; vector < kGates; ++vector) {
    const std::uint64_t target =
        reinterpret_cast<std::uint64_t>(fata_vectors) + stub_offset(vector);
    gates[vector].low = (target & 0xffff) | (kCode << 16) | (interrupt_stack(vector) << 32) |
                        (0x8eULL << 40) | ((target >> 16 & 0xffff) << 48);
    gates[vector].high = target >> 32;
  }
  Pointer segment_table{sizeof(segments) - 1, 0};
  Pointer gate_table{sizeof(gates) - 1, 0};
  // The addresses are computed at run time, so that no packed field needs a relocation.
  asm("leaq %1, %0" : "=r"(segment_table.base) : "m"(segments));
  asm("leaq %1, %0" : "=r"(gate_table.base) : "m"(gates));
  asm volatile(
      "lgdt %0\n\t"
      "lidt %1\n\t"
      "ltr %w2\n\t"
      "pushq %3\n\t"
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "lretq\n"
      "1:"
      :
      : "m"(segment_table), "m"(gate_table), "r"(kTask), "i"(kCode)
      : "rax", "memory");
}

}  // namespace fata::arch
