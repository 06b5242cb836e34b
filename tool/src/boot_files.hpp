// The boot files of `fata run --files`.
#pragma once

#include <string>

#include "process.hpp"
#include "project.hpp"

namespace fata::tool {

// The archive that hypervisors pass to the image: in the build folder, named after the image. Empty
// if the image takes no boot files.
fs::path boot_archive(const Project& project);

// Throws UsageError if `folder` is none, or if the image takes no boot files.
void check_boot_files(const Plan& plan, const fs::path& folder);
// Packs the folder into boot_archive(), the same bytes for the same files.
void pack_boot_files(const Project& project, const fs::path& folder);

}  // namespace fata::tool
