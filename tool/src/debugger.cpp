#include "debugger.hpp"

#include "process.hpp"

namespace fata::tool {

std::string debugger_line(const Project& project, const std::string& symbols, const std::string& remote) {
  // Lines of the generated main and of config.cpp are named without their folders, as a reader of errors
  // wants them.
  const std::string sources = "directory " + project.folder().string() + " " + project.app().string();
  // gdb gives up on an answer after 2 s, and then goes on without the breakpoint: a busy machine
  // takes longer.
  return shell_line({"gdb", "-ex", symbols, "-ex", sources, "-ex", "set remotetimeout 60", "-ex",
                     "set tcp connect-timeout 60", "-ex", "target remote " + remote});
}

}  // namespace fata::tool
