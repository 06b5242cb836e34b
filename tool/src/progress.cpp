#include "progress.hpp"

#include <chrono>
#include <cstdio>
#include <utility>

#include "error.hpp"
#include "spawn.hpp"
#include "terminal.hpp"

namespace fata::tool {
namespace {

class ProgressLine {
 public:
  explicit ProgressLine(std::string_view what) : what_(what), terminal_(has_moving_cursor()) {}
  ~ProgressLine() { clear(); }

  void update(std::string_view detail) {
    if (!terminal_) {
      // One line if the step takes long, not one per file.
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
  if (end == line.npos || line.substr(1, end - 1).find_first_not_of("0123456789/") != line.npos)
    return {};
  return line.substr(0, end + 1);
}

}  // namespace

void say(std::string_view line) {
  std::fprintf(stderr, "fata: %.*s\n", static_cast<int>(line.size()), line.data());
}

namespace {

// Keeps the compilers' output and drops ninja's own lines and the failed command, which may be a
// thousand characters long.
class NinjaFilter {
 public:
  bool drops(const std::string& line) {
    if (std::exchange(command_follows_, false)) return true;
    command_follows_ = line.starts_with("FAILED: ");
    return command_follows_ || line.starts_with("ninja: Entering ") || line.starts_with("-- ") ||
           line == "ninja: no work to do." || line == "ninja: build stopped: subcommand failed.";
  }

 private:
  bool command_follows_ = false;
};

}  // namespace

void run_step(const Step& step) {
  if (step.verbose) say(shell_line(step.words));
  ProgressLine progress(step.what);
  progress.update("");
  const bool is_ninja = step.words.front() == "ninja";
  Words words = step.words;
  if (is_ninja && step.verbose) words.push_back("-v");
  const bool colour = wants_colour();
  // ninja removes colours unless its output is a terminal; here it is a pipe.
  Child child(words, step.folder, is_ninja ? "CLICOLOR_FORCE=1" : nullptr);
  NinjaFilter ninja;
  std::string kept;
  for (std::string raw; child.read_line(raw);) {
    if (step.verbose) {
      std::fprintf(stderr, "%s\n", raw.c_str());
      continue;
    }
    if (const std::string_view done = step_of(raw); !done.empty()) {
      progress.update(done);
    } else if (!is_ninja || !ninja.drops(without_colour(raw))) {
      const std::string line = step.shown.line(raw);
      kept += (colour ? line : without_colour(line)) + '\n';
    }
  }
  const int code = child.wait();
  progress.clear();
  if (code != 0 || step.show == Show::kWarnings) std::fputs(kept.c_str(), stderr);
  if (code > 128) throw Failed{code};
  if (code != 0) {
    say(step.what + " failed" + (step.verbose ? "" : "; -v shows every command"));
    throw Failed{step.status};
  }
}

}  // namespace fata::tool
