#include "fata/board/interrupts.hpp"

#include "fata/arch/cpu.hpp"
#include "fata/arch/interrupts.hpp"
#include "fata/arch/memory.hpp"
#include "fata/bus/memory.hpp"
#include "fata/bus/wake.hpp"
#include "fata/kernel/hypervisor.hpp"

namespace fata {
namespace {

constexpr std::uint64_t kIoApic = 0xfec00000;

volatile std::uint32_t& select(std::uint32_t index) {
  *reinterpret_cast<volatile std::uint32_t*>(kIoApic) = index;
  return *reinterpret_cast<volatile std::uint32_t*>(kIoApic + 0x10);
}

}  // namespace

void board::start_interrupts() {
  if (bus::map_device(kIoApic, arch::kPage) == nullptr)
    kernel::refuse("the memory map names the interrupt controllers' registers RAM");
  // Move the 8259 pair away from the exception vectors, then mask it.
  constexpr std::uint8_t kSetup[][2]{{0x20, 0x11}, {0xa0, 0x11}, {0x21, 0x50}, {0xa1, 0x58},
                                     {0x21, 4},    {0xa1, 2},    {0x21, 1},    {0xa1, 1},
                                     {0x21, 0xff}, {0xa1, 0xff}};
  for (const auto& [port, value] : kSetup) arch::out8(port, value);
  arch::start_interrupts();
}

// Edge-triggered and active high. The device must be acknowledged before its interrupt is enabled
// again, otherwise no further edge follows.
bool bus::connect_pin(unsigned irq) noexcept {
  const std::uint32_t last = select(1) >> 16 & 0xff;
  const arch::MsiMessage message = arch::msi_message(arch::allocate_interrupt());
  if (irq > last) return false;
  select(0x11 + 2 * irq) = static_cast<std::uint32_t>(message.address) << 12 & 0xff000000;
  select(0x10 + 2 * irq) = message.data;
  return true;
}

}  // namespace fata
