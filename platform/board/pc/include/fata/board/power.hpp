// Detects a stop request through the machine's power button.
#pragma once

#include <cstdint>

namespace fata::board {

// The ACPI power button of pc (PIIX4) and q35 (ICH9), found by PCI. microvm has none.
class PowerButton {
 public:
  void start();
  bool was_pressed();

 private:
  std::uint16_t status_port_ = 0;
};

}  // namespace fata::board
