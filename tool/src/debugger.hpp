// The line that attaches a debugger to what `fata run --gdb` started.
#pragma once

#include <string>

#include "project.hpp"

namespace fata::tool {

// `symbols`: gdb's command that reads them; `remote`: where the stub listens.
std::string debugger_line(const Project& project, const std::string& symbols, const std::string& remote);

}  // namespace fata::tool
