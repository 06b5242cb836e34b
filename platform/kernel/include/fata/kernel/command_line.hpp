// Splits the kernel's command line into words.
//
// Words are separated by spaces. Double quotes keep spaces (`--name "a b"`, `--name="a b"`). A
// backslash escapes the next character, inside quotes and outside. Words that begin with
// `virtio_mmio.device=` (added by a VMM) or `fata.` belong to the platform wherever they are. All
// others are the image's parameters, or are ignored (classify_kernel_word).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "fata/base/platform.hpp"
#include "fata/bus/found.hpp"

namespace fata::kernel {

class CommandLine {
 public:
  static constexpr std::size_t kMaxText = 4096;
  static constexpr std::size_t kMaxWords = 128;
  static constexpr std::size_t kMaxMmioDevices = 32;

  // Copies the words that it keeps, and adds the slots of `virtio_mmio.device=SIZE@BASE:IRQ` to
  // `found`, which is empty. Returns an empty string, or an error message (static text).
  std::string_view parse(std::string_view line, bus::FoundDevices& found);

  std::span<const std::string_view> arguments() const {
    return std::span(arguments_).first(argument_count_);
  }

 private:
  std::string_view take(std::string_view word, bus::FoundDevices& found);
  static std::string_view take_mmio(std::string_view value, bus::FoundDevices& found);

  std::array<char, kMaxText> text_{};
  std::array<std::string_view, kMaxWords> arguments_{};
  std::size_t argument_count_ = 0;
};

// Classifies a word without leading dashes that hypervisors and their managers may add for Linux
// (`pci=off`, `root=/dev/vda rw`, `8250.nr_uarts=0`). kHypervisor is a listed name, or a module
// parameter, whose name has a dot. kPerhaps is any other word of the form NAME=VALUE or noNAME.
platform::StrayWord classify_kernel_word(std::string_view word) noexcept;

}  // namespace fata::kernel
