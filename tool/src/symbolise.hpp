// Adds functions and source lines to a kernel's backtraces, whose lines look like this:
// "  #0 0x101234 (image+0x1234)".
#pragma once

#include <string>
#include <string_view>

#include "paths.hpp"
#include "process.hpp"

namespace fata::tool {

class Symboliser {
 public:
  // `shown`: how to rewrite paths for display.
  Symboliser(fs::path elf, Shown shown) : elf_(std::move(elf)), shown_(std::move(shown)) {}

  // Copies console output to standard output, with the functions and source lines below each line
  // of a backtrace; an unfinished last line is also shown at once.
  void show(std::string_view output);

 private:
  // Returns the text to add after this output: the functions and source lines of each backtrace
  // line that this output completes.
  std::string feed(std::string_view output);
  std::string places_of(const std::string& line) const;

  fs::path elf_;
  Shown shown_;
  std::string line_;
};

}  // namespace fata::tool
