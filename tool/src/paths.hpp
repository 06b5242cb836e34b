// Paths in the form that tools accept and in the form that people read.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process.hpp"

namespace fata::tool {

// The folder for data kept between commands: the user's cache_folder(), or, if that is not
// writable, this user's own folder in /tmp. Created if it is missing; empty if neither is possible.
fs::path own_cache();

// Throws UsageError if a path holds characters that no generated file can carry: control
// characters, or bytes that are not UTF-8.
void check_path(const fs::path& path);

bool is_utf8(std::string_view text);

// True if CMake, ninja, the shell and a linker's map accept the text unchanged.
bool is_plain(std::string_view text);

// The folder itself if its path is plain. Otherwise a symbolic link to it, in the cache, with a
// plain path.
fs::path plain_alias(const fs::path& folder);

// One line: why a file or folder cannot be written (from errno), and what to do.
std::string why_not_writable(const fs::path& path);

// Rewrites a compiler's output relative to the current folder: an absolute path that begins with
// the first of a pair in `folders` is shown with its second; a line that begins with the first of a
// pair in `files` (a name, or "./") begins with its second.
struct Shown {
  std::vector<std::pair<std::string, std::string>> folders, files;
  // The folder in which the compiler runs, for lines that begin with "../", as ccache may print
  // them.
  fs::path base{};

  std::string line(std::string line) const;
};

}  // namespace fata::tool
