// The QEMU command line for a kernel image, and the meaning of its exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "disk.hpp"

namespace fata::tool {

struct PortForward {
  std::string protocol;
  unsigned host = 0, guest = 0;
};

// "udp:1053:53", "tcp:...", "1053:53" (both). Throws UsageError.
std::vector<PortForward> parse_forward(const std::string& text);

// The ports that the application serves, from its parameters or their defaults; the host's port has
// the same number.
std::vector<PortForward> served_ports(const Plan& plan, const std::vector<std::string>& parameters);

// Returns the image's parameters for these forwarded ports. If the application has a parameter that
// lists trusted clients, adds the forwarder to it.
std::vector<std::string> forwarded_parameters(const Plan& plan,
                                              const std::vector<std::string>& parameters,
                                              const std::vector<PortForward>& forwards);

// is_tap() is true for "tap" and "tap:NAME"; tap_name() returns the tap device's name for a NIC.
bool is_tap(const std::string& link);
std::string tap_name(const std::string& link, std::size_t nic);

struct QemuChoice {
  std::string arch;
  std::string machine = "microvm", accel = "tcg";
  std::vector<std::string> links;  // of NIC 0, 1, ...: user, tap, tap:NAME
  std::vector<PortForward> forwards;
  unsigned memory_mib = 32;
  fs::path pcap;
  std::vector<Disk> disks;
  fs::path initrd;
  bool gdb = false;
  std::vector<std::string> parameters;
};

Words qemu_line(const fs::path& image, const QemuChoice& choice);

// A word quoted for the kernel's command line: in double quotes if necessary, with backslashes
// before quotes and backslashes. Throws UsageError if it holds a newline.
std::string kernel_word(const std::string& word);

// The image's exit status s, which arrives as 2s+3 (the image writes s+1, the device turns a value
// v into 2v+1); nothing for QEMU's own codes.
std::optional<int> image_status(int qemu_status);

// The base of a kernel under a debugger (otherwise random), and its distance from the link address,
// 1 MiB.
inline constexpr const char* kDebugBase = "0x100000000000";
inline constexpr const char* kDebugOffset = "0xffffff00000";

// Files for booting the image by hand, written beside it when it is configured.
std::string qemu_script(const Project& project);
std::string firecracker_json(const Project& project);

// Why this machine does not run a kernel with -accel kvm; empty if it does. Tested by running a few
// instructions; the result is cached until the next boot.
std::string kvm_problem();
// True if the problem was not yet reported since the machine booted; records it as reported.
bool is_news(const std::string& problem);

}  // namespace fata::tool
