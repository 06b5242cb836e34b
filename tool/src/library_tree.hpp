// Where Fata's libraries are built: in its own source tree, or in the user's cache if the tree
// belongs to another user.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "process.hpp"

namespace fata::tool {

// The folder of the user's cached files that Fata makes: $XDG_CACHE_HOME/fata, or ~/.cache/fata. It
// need not exist.
fs::path cache_folder();

// Has compilers run without ccache if ccache has no folder to write to: it would fail, not compile.
void disable_useless_ccache();

// Has programs use /tmp if a variable such as TMPDIR names a folder that they cannot write to.
void forget_useless_temporary_folders();

// The source tree that CMake configured `build` for; empty if that is no build folder.
fs::path source_of(const fs::path& build);

// True if files can be made below `folder`, which need not exist, and what a build left there can
// be replaced.
bool is_writable_build(const fs::path& folder);

// The folder to build or use the libraries `targets` (names of ninja's) of `root` in:
// ROOT/build/NAME if it can be written or holds all of them up to date, otherwise one in the user's
// cache. Throws UsageError if neither can be written.
fs::path library_tree(const fs::path& root, std::string_view name,
                      const std::vector<std::string>& targets);

}  // namespace fata::tool
