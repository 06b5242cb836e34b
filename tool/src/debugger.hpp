// The command line that attaches a debugger to an image started by `fata run --gdb`.
#pragma once

#include <string>

#include "project.hpp"

namespace fata::tool {

// A gdb command line with the source folders. `symbols`: the gdb command that reads the symbols,
// empty if gdb is given the program itself; `remote`: the stub's address, empty if there is none.
Words debugger_words(const Project& project, const std::string& symbols, const std::string& remote);

// A path as gdb's commands read it.
std::string gdb_word(const std::string& path);

}  // namespace fata::tool
