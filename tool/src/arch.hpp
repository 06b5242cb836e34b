// The processor that an image is built for, by the name that CMake and uname use.
#pragma once

#include <string>
#include <string_view>

namespace fata::tool {

// The processor of this machine, which is the default.
inline constexpr std::string_view kNativeArch = FATA_ARCH;

// Debian's name for the folders of libraries and headers of one processor.
inline std::string multiarch(std::string_view arch) { return std::string(arch) + "-linux-gnu"; }

// The emulator, and the Debian package that contains it.
inline std::string qemu_program(std::string_view arch) {
  return "qemu-system-" + std::string(arch);
}
inline constexpr const char* kQemuPackage = "qemu-system-x86";

}  // namespace fata::tool
