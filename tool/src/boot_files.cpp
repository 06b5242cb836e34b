#include "boot_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "error.hpp"
#include "files.hpp"

namespace fata::tool {

namespace {
bool takes_boot_files(const Plan& plan) {
  return std::ranges::contains(plan.devices, true, &plan::Device::is_boot_files);
}
}  // namespace

fs::path boot_archive(const Project& project) {
  if (!takes_boot_files(project.plan())) return {};
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
  const fs::path archive = boot_archive(project);
  // It may hold keys: for its owner only, like the files themselves.
  files::remove(archive);
  const int made = ::open(archive.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) throw UsageError(archive.string() + ": " + std::strerror(errno));
  ::close(made);
  const Outcome packed =
      capture({"tar", "--format=pax", "--pax-option=delete=atime,delete=ctime", "--sort=name",
               "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--dereference",
               "--hard-dereference", "-C", folder.string(), "-cf", archive.string(), "."});
  if (packed.status != 0) throw UsageError("--files " + folder.string() + ": " + packed.output);
}

}  // namespace fata::tool
