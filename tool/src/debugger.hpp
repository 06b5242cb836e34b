// The line that attaches a debugger to what `fata run --gdb` started.
#pragma once

#include <string>

#include "project.hpp"

namespace fata::tool {

// gdb with its sources named. `symbols`: gdb's command that reads them, empty if gdb is given the
// program itself; `remote`: where the stub listens, empty if there is none.
Words debugger_words(const Project& project, const std::string& symbols, const std::string& remote);

// A path as gdb's commands read it.
std::string gdb_word(const std::string& path);

}  // namespace fata::tool
