// Paths as tools take them and as people read them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process.hpp"

namespace fata::tool {

// Where what is remembered between commands is kept: the user's cache_folder(), or, if that cannot
// be written, a folder of this user's own in /tmp. Made if it is missing; empty if there is none at
// all.
fs::path own_cache();

// Throws UsageError if a path holds what no generated file can carry: control characters, or bytes
// that are no UTF-8.
void check_path(const fs::path& path);

bool is_utf8(std::string_view text);

// Whether CMake, ninja, the shell and a linker's map take the text as it is.
bool is_plain(std::string_view text);

// The folder itself if its path is plain. Otherwise a symbolic link to it, in the cache, whose name
// is.
fs::path plain_alias(const fs::path& folder);

// Why a file or folder cannot be written, and what to do: one line.
std::string why_not_writable(const fs::path& path);

// A compiler's output for somebody who stands in the current folder: an absolute path that begins
// with a `folders` first is shown with its second; a line that begins with a `files` first (a name,
// or "./") begins with its second.
struct Shown {
  std::vector<std::pair<std::string, std::string>> folders, files;
  fs::path
      base{};  // where the compiler runs, for a line that begins with "../", as ccache may have it

  std::string line(std::string line) const;
};

}  // namespace fata::tool
