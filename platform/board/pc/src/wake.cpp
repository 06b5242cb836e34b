#include "fata/bus/wake.hpp"

#include "fata/arch/interrupts.hpp"
#include "fata/bus/mmio.hpp"
#include "fata/kernel/hypervisor.hpp"

namespace fata::bus {

std::span<const MmioDevice> mmio_devices() noexcept {
  return kernel::command_line().mmio_devices();
}
MsiMessage connect_msi() noexcept {
  const arch::MsiMessage message = arch::msi_message(arch::allocate_interrupt());
  return {message.address, message.data};
}

}  // namespace fata::bus
