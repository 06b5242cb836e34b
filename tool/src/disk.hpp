// The disks that `fata run --disk` names.
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

// "FILE", after which ,ro ,direct ,sector=512 and ,sector=4096 may follow, as a process understands
// it. Throws UsageError.
Disk parse_disk(const std::string& text);

// Throws UsageError if there are more files than the application has disks. (That there are fewer,
// the image says.)
void check_disk_count(const Plan& plan, const std::vector<std::string>& given);

// Whether QEMU will take it. Throws UsageError with what is wrong and how to fix it.
void check_disk(const Disk& disk);

}  // namespace fata::tool
