// The disks of `fata run --disk`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan.hpp"

namespace fata::tool {

struct Disk {
  std::string file;
  bool read_only = false;
  bool direct = false;
  std::uint32_t sector_size = 512;
};

// Parses "FILE", optionally followed by ,ro ,direct ,sector=512 and ,sector=4096, like a process.
// Throws UsageError.
Disk parse_disk(const std::string& text);

// Throws UsageError if there are more files than the application has disks. (The image itself
// reports a missing disk.)
void check_disk_count(const Plan& plan, const std::vector<std::string>& given);

// Throws UsageError, with the problem and its fix, if QEMU would reject the disk.
void check_disk(const Disk& disk);

}  // namespace fata::tool
