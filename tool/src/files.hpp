// Files and folders without exceptions of the standard library's: a question about what this user
// may not see is answered as if it were not there, and a change that fails throws UsageError.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace fata::tool::files {

namespace fs = std::filesystem;

// Both follow links.
bool exists(const fs::path& path);
bool is_folder(const fs::path& path);
// False for what is no folder, and for one that cannot be read.
bool is_empty_folder(const fs::path& path);

// The path itself, or the nearest folder above it that exists.
fs::path nearest_existing(fs::path path);

// The name of the file's owner; "another user" if it cannot be looked at.
std::string owner(const fs::path& path);

// Throws UsageError if the file cannot be looked at.
std::uint64_t size(const fs::path& path);

// Each of these throws UsageError if it fails. To remove what does not exist is no failure.
void make_folders(const fs::path& folder);
void remove(const fs::path& path);
void remove_all(const fs::path& path);
// Replaces `link` in one step if it exists.
void make_link(const fs::path& target, const fs::path& link);

}  // namespace fata::tool::files
