// Files and folders without the standard library's exceptions: a query about a file that this user
// may not access returns the same as for a missing file, and a change that fails throws UsageError.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace fata::tool::files {

namespace fs = std::filesystem;

// Both follow links.
bool exists(const fs::path& path);
bool is_folder(const fs::path& path);
// False for a path that is not a folder, and for a folder that cannot be read.
bool is_empty_folder(const fs::path& path);

// The path itself, or the nearest folder above it that exists.
fs::path nearest_existing(fs::path path);

// The name of the file's owner; "another user" if the file is inaccessible.
std::string owner(const fs::path& path);

// Throws UsageError if the file is inaccessible.
std::uint64_t size(const fs::path& path);

// Each of these throws UsageError if it fails. Removing a missing file is not a failure.
void make_folders(const fs::path& folder);
void remove(const fs::path& path);
void remove_all(const fs::path& path);
// Replaces `link` in one step if it exists.
void make_link(const fs::path& target, const fs::path& link);

}  // namespace fata::tool::files
