#include "generation.hpp"

#include <algorithm>

#include "fata/arch/boot.hpp"
#include "fata/kernel/generation_id.hpp"

namespace fata::kvm {
namespace {

enum class Where : std::uint8_t { kOutside, kLoopback, kAcross };

// Returns whether the pages that contain these bytes are outside our RAM, inside it, or both.
Where in_memory(std::uint64_t address, std::size_t size) {
  const std::uint64_t begin = address & ~(arch::kPage - 1);
  const std::uint64_t end = (address + size + arch::kPage - 1) & ~(arch::kPage - 1);
  for (const arch::Region& region : arch::free_memory()) {
    if (region.begin <= begin && end <= region.end) return Where::kLoopback;
    if (begin < region.end && region.begin < end) return Where::kAcross;
  }
  return Where::kOutside;
}

// The firmware's tables are outside the RAM of the memory map, so they are mapped for reading.
Bytes read_physical(std::uint64_t address, std::size_t size) {
  if (address < arch::kNullZone || size == 0 || address > ~std::uint64_t{0} - bus::kMaxDevice)
    return {};
  const Where where = in_memory(address, size);
  if (where == Where::kAcross) return {};
  if (where == Where::kOutside && arch::map_shared(address, size, arch::kReadOnly) == nullptr)
    return {};
  return danger_span(reinterpret_cast<const std::byte*>(address), size);
}

}  // namespace

void GenerationId::find() {
  const std::uint64_t at = kernel::find_generation_id(arch::acpi_root(), read_physical);
  if (at == 0 || in_memory(at, kernel::kGenerationIdSize) != Where::kOutside) return;
  place_ = reinterpret_cast<const volatile std::uint64_t*>(
      read_physical(at, kernel::kGenerationIdSize).data());
  if (exists()) (void)changed();
}

bool GenerationId::changed() {
  const std::array<std::uint64_t, 2> now{place_[0], place_[1]};
  return std::exchange(known_, now) != now;
}

}  // namespace fata::kvm
