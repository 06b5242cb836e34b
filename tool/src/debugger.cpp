#include "debugger.hpp"

#include "process.hpp"

namespace fata::tool {

std::string debugger_line(const Project& project, const std::string& symbols, const std::string& remote) {
  // Lines of the generated main and of config.cpp are named without their folders, as a reader of errors
  // wants them.
  const std::string sources = "directory " + project.folder().string() + " " + project.app().string();
  return shell_line({"gdb", "-ex", symbols, "-ex", sources, "-ex", "target remote " + remote});
}

}  // namespace fata::tool
