#include "paths.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <format>

#include "error.hpp"
#include "files.hpp"
#include "library_tree.hpp"

namespace fata::tool {
namespace {

// FNV-1a, as 16 hexadecimal digits.
std::string hash_name(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return std::format("{:016x}", hash);
}

bool is_ours_to_write(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  struct stat status{};
  return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid() && ::access(folder.c_str(), W_OK) == 0;
}

// In /tmp another user may have planted the folder: it must be ours, and not writable for others.
fs::path temporary_cache() {
  const fs::path folder = "/tmp/fata-" + std::to_string(::geteuid());
  ::mkdir(folder.c_str(), 0700);
  struct stat status{};
  const bool ours = is_ours_to_write(folder) && ::lstat(folder.c_str(), &status) == 0 &&
                    (status.st_mode & 022) == 0;
  return ours ? folder : fs::path{};
}

bool is_anothers(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && status.st_uid != ::geteuid();
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t more = first < 0x80   ? 0
                             : first < 0xc2 ? 4
                             : first < 0xe0 ? 1
                             : first < 0xf0 ? 2
                             : first < 0xf5 ? 3
                                            : 4;
    if (more == 4 || text.size() - i <= more) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    const auto second = more == 0 ? 0U : static_cast<unsigned char>(text[i + 1]);
    // Overlong forms, surrogates, and values above Unicode.
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
      return false;
    }
    i += more + 1;
  }
  return true;
}

fs::path own_cache() {
  const fs::path cache = cache_folder();
  // A missing home folder is not created.
  const fs::path home = cache.parent_path().parent_path();
  const bool usable =
      cache.is_absolute() && (files::exists(cache.parent_path()) || files::exists(home));
  return usable && is_ours_to_write(cache) ? cache : temporary_cache();
}

void check_path(const fs::path& path) {
  const std::string text = path.string();
  const bool control = std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!control && is_utf8(text)) return;
  std::string readable;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    readable += byte < 0x20 || byte >= 0x7f ? std::format("\\x{:02x}", byte) : std::string(1, c);
  }
  throw UsageError(readable + ": the path contains " +
                   (control ? "control characters" : "bytes that are no UTF-8") +
                   ", which CMake, QEMU and xl do not take; rename the folder");
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) != 0 || std::string_view("/._-+ ").contains(c);
  });
}

fs::path plain_alias(const fs::path& folder) {
  if (is_plain(folder.string())) return folder;
  fs::path cache = own_cache();
  if (!is_plain(cache.string())) cache = temporary_cache();
  if (cache.empty())
    throw UsageError(
        folder.string() +
        ": CMake does not take this path, and there is no cache to link it from; set HOME");
  const fs::path links = cache / "links";
  const fs::path link = links / hash_name(folder.string());
  std::error_code error;
  if (fs::read_symlink(link, error) == folder) return link;
  files::make_folders(links);
  files::make_link(folder, link);
  return link;
}

std::string why_not_writable(const fs::path& path) {
  const int reason = errno;
  const fs::path there = files::nearest_existing(path);
  std::string why = std::strerror(reason != 0 ? reason : EACCES);
  if (reason == EACCES && is_anothers(there))
    why = there.string() + " belongs to " + files::owner(there);
  if (reason == EROFS) why = "its file system is read-only";
  return path.string() + ": cannot be written: " + why +
         "; build in a folder of your own with --build-dir FOLDER";
}

namespace {

// The position after the escape sequences at the start of the line, and after "In file included
// from ".
std::size_t begin_of_path(const std::string& line) {
  std::size_t at = 0;
  while (line.compare(at, 2, "\033[") == 0) {
    const std::size_t end = line.find_first_not_of("0123456789;", at + 2);
    if (end == line.npos) return line.size();
    at = end + 1;
  }
  constexpr std::string_view kFrom = "In file included from ";
  return line.compare(at, kFrom.size(), kFrom) == 0 ? at + kFrom.size() : at;
}

// True if a path begins at `at`; false in the middle of a path.
bool begins_path(const std::string& line, std::size_t at) {
  if (at == 0) return true;
  const char before = line[at - 1];
  if (before == 'm') {  // perhaps the end of a colour sequence
    const std::size_t escape = line.rfind("\033[", at);
    if (escape != line.npos && line.find_first_not_of("0123456789;", escape + 2) == at - 1)
      return true;
  }
  return std::isalnum(static_cast<unsigned char>(before)) == 0 && before != '.' && before != '_' &&
         before != '-';
}

}  // namespace

std::string Shown::line(std::string line) const {
  const std::size_t begin = begin_of_path(line);
  if (line.compare(begin, 3, "../") == 0 && !base.empty()) {
    const std::size_t end = std::min(line.find(':', begin), line.size());
    line.replace(begin, end - begin,
                 (base / line.substr(begin, end - begin)).lexically_normal().string());
  }
  for (const auto& [from, to] : folders) {
    for (std::size_t at = 0; (at = line.find(from, at)) != line.npos;) {
      const bool whole = begins_path(line, at);
      if (whole) line.replace(at, from.size(), to);
      at += whole ? to.size() : 1;
    }
  }
  for (const auto& [from, to] : files) {
    if (line.compare(begin, from.size(), from) == 0) return line.replace(begin, from.size(), to);
  }
  return line;
}

}  // namespace fata::tool
