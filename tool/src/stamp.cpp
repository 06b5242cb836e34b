#include "stamp.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "error.hpp"
#include "files.hpp"
#include "progress.hpp"

namespace fata::tool {
namespace {

constexpr const char* kFile = "made-for";
// The stamp's own time, 2001-09-09. A copy that does not keep times has another time, and ninja
// would compare its files by meaningless times.
constexpr timespec kTime{.tv_sec = 1'000'000'000, .tv_nsec = 0};

bool is_unchanged(const fs::path& stamp, const std::string& made_for) {
  struct stat status{};
  if (::stat(stamp.c_str(), &status) != 0) return false;
  return status.st_mtim.tv_sec == kTime.tv_sec && read_file(stamp) == made_for;
}

void write_stamp(const fs::path& stamp, const std::string& made_for) {
  write_if_changed(stamp, made_for);
  const timespec times[]{kTime, kTime};
  if (::utimensat(AT_FDCWD, stamp.c_str(), times, 0) != 0)
    throw UsageError(stamp.string() + ": cannot be given a time: " + std::strerror(errno));
}

// Removes every file that names other folders, but not the images.
void forget(const fs::path& folder) {
  for (const char* const name :
       {"config", "config.d", "plan.json", "third_party", "build/CMakeCache.txt",
        "build/CMakeFiles", "build/build.ninja", "build/.ninja_log", "build/.ninja_deps"}) {
    files::remove_all(folder / name);
  }
}

}  // namespace

void claim_build_folder(const fs::path& folder, const std::string& made_for) {
  const fs::path stamp = folder / kFile;
  if (is_unchanged(stamp, made_for)) return;
  if (files::exists(folder / "config.d") || files::exists(folder / "build/CMakeCache.txt")) {
    say(folder.string() + " was made for another folder, Fata or compiler: building it again");
  }
  files::remove(stamp);  // first: interrupted work must not look complete
  forget(folder);
  write_stamp(stamp, made_for);
}

bool was_claimed(const fs::path& folder) {
  return files::exists(folder / kFile) || files::exists(folder / "plan.json");
}

std::string compiler_identity() {
  const fs::path found = find_program("clang++-19");
  std::error_code error;
  const fs::path real = fs::canonical(found, error);
  struct stat status{};
  if (error || ::stat(real.c_str(), &status) != 0) return "none";
  return found.string() + " " + real.string() + " " + std::to_string(status.st_size) + " " +
         std::to_string(status.st_mtim.tv_sec);
}

}  // namespace fata::tool
