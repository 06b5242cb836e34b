#include "boot_files.hpp"

#include <algorithm>

#include "error.hpp"
#include "files.hpp"

namespace fata::tool {

bool takes_boot_files(const Plan& plan) {
  return std::ranges::any_of(plan.devices, [&](const plan::Device& d) {
    return d.tag == "BootArchive" || (d.tag == "KeyValue" && d.called == "the boot files");
  });
}

fs::path boot_archive(const Project& project) {
  return project.folder() / (project.plan().name + ".files.tar");
}

void check_boot_files(const Plan& plan, const fs::path& folder) {
  if (folder.empty()) return;
  if (!takes_boot_files(plan))
    throw UsageError(
        "--files: this application takes no boot files; see boot_files() in config.cpp");
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw UsageError("--files " + folder.string() + ": " +
                     (fs::exists(folder, error) ? "is no folder" : "no such folder"));
}

void pack_boot_files(const Project& project, const fs::path& folder) {
  const Outcome packed = capture({"tar", "--format=pax", "--pax-option=delete=atime,delete=ctime",
                                  "--sort=name", "--owner=0", "--group=0", "--numeric-owner",
                                  "--mtime=@0", "--dereference", "--hard-dereference", "-C",
                                  folder.string(), "-cf", boot_archive(project).string(), "."});
  if (packed.status != 0) throw UsageError("--files " + folder.string() + ": " + packed.output);
}

}  // namespace fata::tool
