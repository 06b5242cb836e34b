// Packet captures: the file of each NIC, and the repair of QEMU's captures of a tap.
#pragma once

#include <cstddef>
#include <filesystem>

namespace fata::tool {

// The first NIC's capture is the file itself; "net-1.pcap" and so on beside "net.pcap" follow.
std::filesystem::path capture_of_nic(const std::filesystem::path& file, std::size_t nic);

// On a tap with virtio-net headers, QEMU before 8.0 writes the 12 bytes of the header before each
// frame, which no reader of pcap files expects. Removes them from a finished capture; captures of
// newer QEMUs stay unchanged.
void mend_capture(const std::filesystem::path& file);

}  // namespace fata::tool
