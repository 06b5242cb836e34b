#include "fata/bus/pci_walk.hpp"

#include <array>
#include <utility>

namespace fata::bus {
namespace {

constexpr unsigned kMaxDepth = 4;

struct Walk {
  PciVisitor visit;
  void* context;
  // A bus is scanned once, however many bridges lead to it. Otherwise the number of scans would
  // multiply with each level.
  std::array<bool, 256> seen{};

  void bus(std::uint8_t number, unsigned depth) {
    if (std::exchange(seen[number], true)) return;
    for (std::uint8_t device = 0; device < 32; ++device) {
      for (std::uint8_t function = 0; function < 8; ++function) {
        const PciAddress at{number, device, function};
        const std::uint32_t id = pci_read32(at, 0);
        const bool absent = (id & 0xffff) == 0xffff;
        const std::uint8_t kind = absent ? 0 : pci_read8(at, 0x0e);
        if (!absent)
          visit(context, at, static_cast<std::uint16_t>(id), static_cast<std::uint16_t>(id >> 16));
        if ((kind & 0x7f) == 1 && depth < kMaxDepth) {
          const std::uint8_t behind = pci_read8(at, 0x19);
          if (behind > number) bus(behind, depth + 1);
        }
        if (function == 0 && (kind & 0x80) == 0) break;
      }
    }
  }
};

}  // namespace

void walk_pci(PciVisitor visit, void* context) noexcept { Walk{visit, context}.bus(0, 0); }

}  // namespace fata::bus
