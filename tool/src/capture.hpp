// Mends what QEMU records of a tap.
#pragma once

#include <filesystem>

namespace fata::tool {

// QEMU before 8.0 puts the 12 bytes of the virtio-net header before each frame of a tap with such headers, which no reader of
// pcap files expects. Takes them out of a finished capture; newer QEMUs' captures are left as they are.
void mend_capture(const std::filesystem::path& file);

}  // namespace fata::tool
