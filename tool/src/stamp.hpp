// The inputs of a build folder: the application, the folder itself, Fata and the compiler. A copied
// or moved folder holds absolute paths of its origin, and would silently build the origin.
#pragma once

#include <string>

#include "process.hpp"

namespace fata::tool {

// Removes the files of CMake and the compiler in `folder` unless they were made for exactly these
// inputs; finished images stay until the next build replaces them. `made_for` is lines of text. The
// caller holds the folder's lock.
void claim_build_folder(const fs::path& folder, const std::string& made_for);

// True if claim_build_folder() has run there, even if it or a later step was interrupted.
bool was_claimed(const fs::path& folder);

// The current compiler: its path, size and modification time; "none" if there is none.
std::string compiler_identity();

}  // namespace fata::tool
