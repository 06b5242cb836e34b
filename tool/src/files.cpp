#include "files.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

#include "error.hpp"

namespace fata::tool::files {
namespace {

void throw_on(const std::error_code& error, const fs::path& path, const char* what) {
  if (!error) return;
  std::string line = path.string() + ": cannot be " + what + ": " + error.message();
  const fs::path there = nearest_existing(path);
  struct stat status{};
  const bool others = ::stat(there.c_str(), &status) == 0 && status.st_uid != ::geteuid();
  // The standard library reports "directory not empty" for a folder inside another user's folder.
  const bool refused =
      error == std::errc::permission_denied || error == std::errc::directory_not_empty;
  if (refused && others) line += " (" + there.string() + " belongs to " + owner(there) + ")";
  throw UsageError(line);
}

}  // namespace

bool exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool is_empty_folder(const fs::path& path) {
  std::error_code error;
  return files::is_folder(path) && fs::is_empty(path, error) && !error;
}

fs::path nearest_existing(fs::path path) {
  while (!files::exists(path) && path.has_relative_path() && path != ".")
    path = path.has_parent_path() ? path.parent_path() : ".";
  return path;
}

std::string owner(const fs::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return "another user";
  const passwd* const user = ::getpwuid(status.st_uid);
  return user == nullptr ? "user " + std::to_string(status.st_uid) : user->pw_name;
}

std::uint64_t size(const fs::path& path) {
  std::error_code error;
  const std::uint64_t bytes = fs::file_size(path, error);
  throw_on(error, path, "read");
  return bytes;
}

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  throw_on(error, folder, "made");
}

void remove(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  throw_on(error, path, "removed");
}

void remove_all(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  throw_on(error, path, "removed");
}

void make_link(const fs::path& target, const fs::path& link) {
  const fs::path fresh = link.string() + "." + std::to_string(::getpid());
  std::error_code error;
  fs::remove(fresh, error);
  fs::create_symlink(target, fresh, error);
  if (!error) fs::rename(fresh, link, error);
  throw_on(error, link, "made");
}

}  // namespace fata::tool::files
