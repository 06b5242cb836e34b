// The QEMU command line for a kernel image, and what its exit code means.
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

// The ports that the application serves, as its parameters (or their defaults) say; the host's is
// the same number.
std::vector<PortForward> served_ports(const Plan& plan, const std::vector<std::string>& parameters);

// The image's parameters where these ports are forwarded to it: the parameter that lists trusted
// clients, if the application has one, lists the forwarder, too.
std::vector<std::string> forwarded_parameters(const Plan& plan,
                                              const std::vector<std::string>& parameters,
                                              const std::vector<PortForward>& forwards);

// "tap" or "tap:NAME", and the device that it means for a card.
bool is_tap(const std::string& link);
std::string tap_name(const std::string& link, std::size_t card);

struct QemuChoice {
  std::string machine = "microvm", accel = "tcg";
  std::vector<std::string> links;  // of card 0, 1, ...: user, tap, tap:NAME
  std::vector<PortForward> forwards;
  unsigned memory_mib = 32;
  fs::path pcap;
  std::vector<Disk> disks;
  bool gdb = false;
  std::vector<std::string> parameters;
};

Words qemu_line(const fs::path& image, const QemuChoice& choice);

// A word as the kernel's command line quotes it: in double quotes if it must be, with backslashes
// before quotes. Throws UsageError if it holds a newline.
std::string kernel_word(const std::string& word);

// An image's exit status s arrives as 2s+3 (it writes s+1, the device makes 2v+1 of it); nothing:
// QEMU's own code.
std::optional<int> image_status(int qemu_status);

// Where a kernel puts itself for a debugger (otherwise at random), and how far that is from where
// it was linked, 1 MiB.
inline constexpr const char* kDebugBase = "0x100000000000";
inline constexpr const char* kDebugOffset = "0xffffff00000";

// What a hypervisor needs to boot the image by hand, written beside it when it is configured.
std::string qemu_script(const Project& project);
std::string firecracker_json(const Project& project);

// Why this machine does not run a kernel with -accel kvm; empty if it does. Found out by running a
// few instructions, and remembered until the next boot.
std::string kvm_problem();
// Whether that was not yet said since the machine booted; the next time it was.
bool is_news(const std::string& problem);

}  // namespace fata::tool
