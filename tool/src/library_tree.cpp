#include "library_tree.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "error.hpp"

namespace fata::tool {

namespace {

bool may_write(const fs::path& path) { return ::access(path.c_str(), W_OK) == 0; }

fs::path home_of_user() {
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home != '\0') return home;
  const passwd* const user = ::getpwuid(::getuid());
  return user == nullptr ? fs::path("/nonexistent") : fs::path(user->pw_dir);
}

std::string owner_of(const fs::path& path) {
  fs::path there = path;
  while (!fs::exists(there) && there.has_relative_path()) there = there.parent_path();
  struct stat status{};
  if (::stat(there.c_str(), &status) != 0) return "another user";
  const passwd* const user = ::getpwuid(status.st_uid);
  return user == nullptr ? "user " + std::to_string(status.st_uid) : user->pw_name;
}

// Asks ninja without changing anything. A dry run never gets past a manifest that ninja can
// regenerate, which CMake's always is; so it reads a copy, of which it does not know that.
bool is_up_to_date(const fs::path& build, const std::vector<std::string>& targets) {
  std::error_code error;
  std::string name = (fs::temp_directory_path(error) / "fata-XXXXXX").string();
  const int file = ::mkstemp(name.data());
  if (file < 0) return false;
  ::close(file);
  bool current = false;
  if (fs::copy_file(build / "build.ninja", name, fs::copy_options::overwrite_existing, error)) {
    Words words{"ninja", "-C", build, "-f", name, "-n"};
    words.insert(words.end(), targets.begin(), targets.end());
    const Outcome outcome = capture(words, {});
    current = outcome.status == 0 && outcome.output.contains("ninja: no work to do.");
  }
  fs::remove(name, error);
  return current;
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

fs::path source_of(const fs::path& build) {
  constexpr std::string_view kKey = "CMAKE_HOME_DIRECTORY:INTERNAL=";
  std::ifstream cache(build / "CMakeCache.txt");
  for (std::string line; std::getline(cache, line);) {
    if (line.starts_with(kKey)) return line.substr(kKey.size());
  }
  return {};
}

bool is_writable_build(const fs::path& folder) {
  fs::path there = folder;
  while (!fs::exists(there) && there.has_relative_path()) there = there.parent_path();
  if (!may_write(there)) return false;
  for (const char* const file : {".lock", ".ninja_log", "build.ninja"}) {
    if (fs::exists(folder / file) && !may_write(folder / file)) return false;
  }
  return true;
}

fs::path library_tree(const fs::path& root, std::string_view name,
                      const std::vector<std::string>& targets) {
  const fs::path own = root / "build" / name;
  if (is_writable_build(own) || (source_of(own) == root && is_up_to_date(own, targets))) return own;
  const fs::path cached = cache_folder() / "trees" / root.relative_path() / name;
  if (!is_writable_build(cached)) {
    throw UsageError(own.string() + " belongs to " + owner_of(own) +
                     " and lacks what is needed, and " + cached.string() +
                     " cannot be made; set XDG_CACHE_HOME to a folder that you can write to");
  }
  return cached;
}

}  // namespace fata::tool
