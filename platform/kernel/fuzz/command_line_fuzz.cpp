// Parses arbitrary bytes as a command line. The parser must refuse it with a reason, or return
// words within bounds.
#include <cstddef>
#include <cstdint>

#include "fata/base/danger.hpp"
#include "fata/base/panic.hpp"
#include "fata/kernel/command_line.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  fata::kernel::CommandLine parsed;
  fata::bus::FoundDevices found;
  const std::string_view wrong = parsed.parse(line, found);
  std::size_t total = 0;
  for (const std::string_view word : parsed.arguments()) {
    total += word.size();
    fata::check(!word.starts_with("virtio_mmio.device=") && !word.starts_with("fata."),
                "a platform's word came through");
  }
  fata::check(total <= size, "more text than there was");
  for (const fata::bus::FoundDevice& device : found.all()) {
    fata::check(device.size >= 0x100 && device.number != 0 && device.irq < 1024,
                "a device out of bounds");
  }
  fata::check(wrong.empty() || wrong.size() < 100, "the reason is one line");
  return 0;
}
