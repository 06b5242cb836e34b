// The build folder of Fata's libraries: in its own source tree, or in the user's cache if the tree
// belongs to another user.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "process.hpp"

namespace fata::tool {

// Fata's folder in the user's cache: $XDG_CACHE_HOME/fata, or ~/.cache/fata. It need not exist.
fs::path cache_folder();

// Disables ccache for compilers if ccache has no writable folder: it would fail, not compile.
void disable_useless_ccache();

// Makes programs use /tmp if a variable such as TMPDIR does not name a writable folder.
void forget_useless_temporary_folders();

// The source tree that CMake configured `build` for; empty if `build` is not a build folder.
fs::path source_of(const fs::path& build);

// True if files can be created below `folder`, which need not exist, and the files of an earlier
// build replaced.
bool is_writable_build(const fs::path& folder);

// The folder in which the libraries `targets` (ninja targets) of `root` are built or used:
// ROOT/build/NAME if it is writable or all of them are up to date there, otherwise a folder in the
// user's cache. Throws UsageError if that is not writable either.
fs::path library_tree(const fs::path& root, std::string_view name,
                      const std::vector<std::string>& targets);

}  // namespace fata::tool
