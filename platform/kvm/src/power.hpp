// The ends of a machine: asked for by its power button, or reached.
#pragma once

#include <cstdint>

namespace fata::kvm {

// The ACPI power button of pc (PIIX4) and q35 (ICH9), found by PCI. microvm has none.
class PowerButton {
 public:
  void start();
  bool was_pressed();

 private:
  std::uint16_t status_port_ = 0;
};

// Ends the machine at once; the console should be flushed before. QEMU's isa-debug-exit gets status + 1,
// which makes QEMU end with 2 * status + 3; without that device the status is lost and the machine is
// switched off or reset.
[[noreturn]] void power_off(int status);

}  // namespace fata::kvm
