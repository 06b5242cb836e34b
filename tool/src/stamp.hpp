// What a build folder was made for: the application, the folder itself, Fata and the compiler. A
// copied or moved folder holds absolute paths of where it came from, and would silently build that.
#pragma once

#include <string>

#include "process.hpp"

namespace fata::tool {

// Removes what CMake and the compiler left in `folder` unless it was made for just this; finished
// images stay until the next build replaces them. `made_for` is lines of text. The caller holds the
// folder's lock.
void claim_build_folder(const fs::path& folder, const std::string& made_for);

// Whether claim_build_folder() has been at work there, even if it or what follows was interrupted.
bool was_claimed(const fs::path& folder);

// The compiler that is found now: its path, and when it was installed.
std::string compiler_identity();

}  // namespace fata::tool
