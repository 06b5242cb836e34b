// Searches arbitrary bytes as a definition block, and as the memory of a machine with its ACPI
// tables. The search must read nothing outside these bytes, whatever they contain.
#include <cstddef>
#include <cstdint>

#include "fata/base/danger.hpp"
#include "fata/base/panic.hpp"
#include "fata/kernel/generation_id.hpp"

namespace {
fata::Bytes memory;

fata::Bytes read(std::uint64_t address, std::size_t size) {
  if (address > memory.size() || size > memory.size() - address) return {};
  return memory.subspan(static_cast<std::size_t>(address), size);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  memory = std::as_bytes(fata::danger_span(data, size));
  fata::check(fata::kernel::generation_id_in(memory) % 8 == 0, "an address that is none");
  fata::check(fata::kernel::find_generation_id(0, read) % 8 == 0, "an address that is none");
  return 0;
}
