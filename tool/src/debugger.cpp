#include "debugger.hpp"

#include "paths.hpp"
#include "process.hpp"

namespace fata::tool {

std::string gdb_word(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (std::string_view(" \t'\"\\").contains(c)) out += '\\';
    out += c;
  }
  return out;
}

Words debugger_words(const Project& project, const std::string& symbols,
                     const std::string& remote) {
  Words words{"gdb"};
  const auto add = [&](const std::string& command) { words.insert(words.end(), {"-ex", command}); };
  if (!symbols.empty()) add(symbols);
  // Debug information names the generated main and config.cpp without their folders, for readable
  // errors. gdb splits its argument at colons, however quoted: hence the aliases.
  add("directory " + gdb_word(plain_alias(project.folder()).string()) + " " +
      gdb_word(plain_alias(project.app()).string()));
  if (!remote.empty()) {
    // By default, gdb times out after 2 s and continues without the breakpoint; a busy machine
    // takes longer.
    add("set remotetimeout 60");
    add("set tcp connect-timeout 60");
    add("target remote " + remote);
  }
  return words;
}

}  // namespace fata::tool
