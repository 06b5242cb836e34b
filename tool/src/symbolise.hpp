// Backtraces of a kernel, as it prints them: "  #0 0x101234 (image+0x1234)", made readable on the
// fly.
#pragma once

#include <string>
#include <string_view>

#include "paths.hpp"
#include "process.hpp"

namespace fata::tool {

class Symboliser {
 public:
  // `shown`: how paths are written.
  Symboliser(fs::path elf, Shown shown) : elf_(std::move(elf)), shown_(std::move(shown)) {}

  // Passes console output on to standard output, with the functions and places below each line of a
  // backtrace; a last line without a newline is shown at once as well.
  void show(std::string_view output);

 private:
  // Gives what is to be added after this output: the functions and places of a line that just ended
  // and was one of a backtrace.
  std::string feed(std::string_view output);
  std::string places_of(const std::string& line) const;

  fs::path elf_;
  Shown shown_;
  std::string line_;
};

}  // namespace fata::tool
