#include "progress.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "error.hpp"
#include "spawn.hpp"

namespace fata::tool {
namespace {

class ProgressLine {
 public:
  explicit ProgressLine(std::string_view what) : what_(what), terminal_(::isatty(2) == 1) {}
  ~ProgressLine() { clear(); }

  void update(std::string_view detail) {
    if (!terminal_) {
      // One line when it turns out to take long, not one a file.
      if (!said_ && std::chrono::steady_clock::now() - start_ > std::chrono::seconds(1)) {
        say(what_ + " " + std::string(detail) + " ...");
        said_ = true;
      }
      return;
    }
    std::fprintf(stderr, "\r\033[Kfata: %s %.*s", what_.c_str(), static_cast<int>(detail.size()),
                 detail.data());
    said_ = true;
  }
  void clear() {
    if (terminal_ && said_) std::fputs("\r\033[K", stderr);
    if (terminal_) said_ = false;
  }

 private:
  std::string what_;
  bool terminal_;
  bool said_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// "[3/10]" of "[3/10] Building CXX object x.o", or nothing.
std::string_view step_of(std::string_view line) {
  if (!line.starts_with('[')) return {};
  const std::size_t end = line.find(']');
  if (end == line.npos || line.substr(1, end - 1).find_first_not_of("0123456789/") != line.npos) return {};
  return line.substr(0, end + 1);
}

}  // namespace

void say(std::string_view line) {
  std::fprintf(stderr, "fata: %.*s\n", static_cast<int>(line.size()), line.data());
}

void run_step(std::string_view what, const Words& words, const fs::path& folder, bool verbose, Show show,
              int status) {
  if (verbose) say(shell_line(words));
  ProgressLine progress(what);
  progress.update("");
  Child child(words, folder);
  std::string kept;
  const bool is_ninja = words.front() == "ninja";
  for (std::string line; child.read_line(line);) {
    if (verbose) std::fprintf(stderr, "%s\n", line.c_str());
    if (const std::string_view step = step_of(line); !step.empty()) {
      progress.update(step);
    } else if (!is_ninja || !(line.starts_with("ninja: Entering ") || line == "ninja: no work to do." || line.starts_with("-- "))) {
      kept += line + '\n';
    }
  }
  const int code = child.wait();
  progress.clear();
  if (!verbose && (code != 0 || show == Show::kWarnings)) std::fputs(kept.c_str(), stderr);
  if (code > 128) throw Failed{code};
  if (code != 0) {
    say(std::string(what) + " failed" + (verbose ? "" : "; -v shows every command"));
    throw Failed{status};
  }
}

}  // namespace fata::tool
