#include "library_tree.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "error.hpp"
#include "files.hpp"

namespace fata::tool {

namespace {

bool may_write(const fs::path& path) {
  return ::access(path.c_str(), files::is_folder(path) ? W_OK | X_OK : W_OK) == 0;
}

fs::path home_of_user() {
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home != '\0') return home;
  const passwd* const user = ::getpwuid(::getuid());
  return user == nullptr ? fs::path("/nonexistent") : fs::path(user->pw_dir);
}

// Queries ninja by a dry run. A dry run stops at a manifest that ninja can regenerate, and it can
// always regenerate CMake's. Therefore ninja reads a copy, which it cannot regenerate. The copy is
// in memory, because there may be no folder for temporary files.
bool is_up_to_date(const fs::path& build, const std::vector<std::string>& targets) {
  const fs::path manifest = build / "build.ninja";
  if (::access(manifest.c_str(), R_OK) != 0) return false;
  const MemoryFile copy(read_file(manifest));
  Words words{"ninja", "-C", build, "-f", copy.path(), "-n"};
  words.insert(words.end(), targets.begin(), targets.end());
  const Outcome outcome = capture(words, {});
  return outcome.status == 0 && outcome.output.contains("ninja: no work to do.");
}

}  // namespace

fs::path cache_folder() {
  const char* const given = std::getenv("XDG_CACHE_HOME");
  const fs::path cache =
      given != nullptr && *given == '/' ? fs::path(given) : home_of_user() / ".cache";
  return cache / "fata";
}

void disable_useless_ccache() {
  const char* const given = std::getenv("CCACHE_DIR");
  const fs::path cache = given != nullptr && *given != '\0'
                             ? fs::path(given)
                             : cache_folder().parent_path() / "ccache";
  if (!is_writable_build(cache)) ::setenv("CCACHE_DISABLE", "1", 1);
}

void forget_useless_temporary_folders() {
  for (const char* const name : {"TMPDIR", "TMP", "TEMP", "TEMPDIR"}) {
    const char* const given = std::getenv(name);
    const fs::path folder = given == nullptr ? "" : given;
    if (!folder.is_absolute() || !files::is_folder(folder) || !may_write(folder)) ::unsetenv(name);
  }
}

fs::path source_of(const fs::path& build) {
  constexpr std::string_view kKey = "CMAKE_HOME_DIRECTORY:INTERNAL=";
  std::ifstream cache(build / "CMakeCache.txt");
  for (std::string line; std::getline(cache, line);) {
    if (line.starts_with(kKey)) return line.substr(kKey.size());
  }
  return {};
}

bool is_writable_build(const fs::path& folder) {
  if (!may_write(files::nearest_existing(folder))) return false;
  for (const char* const file : {".lock", ".ninja_log", "build.ninja"}) {
    if (files::exists(folder / file) && !may_write(folder / file)) return false;
  }
  return true;
}

fs::path library_tree(const fs::path& root, std::string_view name,
                      const std::vector<std::string>& targets) {
  const fs::path own = root / "build" / name;
  if (is_writable_build(own) || (source_of(own) == root && is_up_to_date(own, targets))) return own;
  const fs::path cached = cache_folder() / "trees" / root.relative_path() / name;
  if (!is_writable_build(cached)) {
    throw UsageError(own.string() + " belongs to " + files::owner(files::nearest_existing(own)) +
                     " and lacks what is needed, and " + cached.string() +
                     " cannot be made; set XDG_CACHE_HOME to a folder that you can write to");
  }
  return cached;
}

}  // namespace fata::tool
