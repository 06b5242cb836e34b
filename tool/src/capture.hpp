// Captures of what passes: where each card's goes, and mending what QEMU records of a tap.
#pragma once

#include <cstddef>
#include <filesystem>

namespace fata::tool {

// That of the first card is the file itself, then come "net-1.pcap" and so on beside "net.pcap".
std::filesystem::path capture_of_card(const std::filesystem::path& file, std::size_t card);

// QEMU before 8.0 puts the 12 bytes of the virtio-net header before each frame of a tap with such
// headers, which no reader of pcap files expects. Takes them out of a finished capture; newer
// QEMUs' captures are left as they are.
void mend_capture(const std::filesystem::path& file);

}  // namespace fata::tool
