#include "fata/bus/wake.hpp"

#include "fata/arch/interrupts.hpp"

namespace fata::bus {

MsiMessage connect_msi() noexcept {
  const arch::MsiMessage message = arch::msi_message(arch::allocate_interrupt());
  return {message.address, message.data};
}

}  // namespace fata::bus
