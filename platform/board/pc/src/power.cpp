#include "fata/board/power.hpp"

#include "fata/arch/cpu.hpp"
#include "fata/bus/pci.hpp"
#include "fata/bus/wake.hpp"
#include "fata/kernel/hypervisor.hpp"

namespace fata::board {
namespace {
using arch::in16;
using arch::out16;

constexpr std::uint16_t kPowerButton = 1U << 8;  // in the PM1 status and enable registers
constexpr bus::PciAddress kIch9Bridge{0, 31, 0}, kPiix4Power{0, 1, 3};
}  // namespace

void PowerButton::start() {
  arch::out32(0xcf8, 0x80000000U);
  if (arch::in32(0xcf8) != 0x80000000U) return;  // no PCI
  std::uint32_t base = 0;
  if (bus::pci_read32(kIch9Bridge, 0) == 0x29188086) base = bus::pci_read32(kIch9Bridge, 0x40);
  if (bus::pci_read32(kPiix4Power, 0) == 0x71138086) base = bus::pci_read32(kPiix4Power, 0x40);
  base &= 0xff80;
  if (base == 0) return;
  status_port_ = static_cast<std::uint16_t>(base);
  out16(static_cast<std::uint16_t>(base + 2), kPowerButton);
  // PM1 control: ACPI mode, which routes the button's event to the interrupt.
  out16(static_cast<std::uint16_t>(base + 4),
        static_cast<std::uint16_t>(in16(static_cast<std::uint16_t>(base + 4)) | 1));
  bus::connect_pin(9);
}

bool PowerButton::was_pressed() {
  if (status_port_ == 0 || (in16(status_port_) & kPowerButton) == 0) return false;
  out16(status_port_, kPowerButton);
  return true;
}

}  // namespace fata::board

namespace fata::kernel {

// QEMU's isa-debug-exit receives status + 1, and QEMU exits with 2 * status + 3. Without that
// device the status is lost and the machine is switched off or reset.
void power_off(int status) noexcept {
  arch::out32(0xf4, static_cast<std::uint32_t>(status) + 1);
  // Without that device, try ACPI soft off as the firmware of pc and q35 sets it up, then the
  // keyboard controller's reset.
  arch::out16(0x604, 0x2000);
  arch::out16(0xb004, 0x2000);
  arch::out8(0x64, 0xfe);
  arch::halt_forever();
}

}  // namespace fata::kernel
