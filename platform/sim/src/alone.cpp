#include "fata/sim/alone.hpp"

#include <csignal>
#include <cstdio>
#include <span>

#include "fata/base/parameters.hpp"
#include "fata/base/text.hpp"

namespace fata::sim {

namespace {
constexpr Duration kSlice = milliseconds(100);  // between two looks at the signals
constexpr int kPanicked = 125, kWrongUsage = 64;

volatile std::sig_atomic_t g_stop = 0;
void request_stop(int) { g_stop = 1; }

struct Options {
  std::uint64_t seed = 1;
  Duration time = seconds(3600);
  std::vector<std::string_view> parameters;
};

bool parse(std::span<char*> words, Options& options) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    bool good = false;
    if (word == "--") {
      options.parameters.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      return true;
    }
    if (word.starts_with("--seed="))
      good = parse_unsigned(word.substr(7), ~std::uint64_t{}, options.seed);
    if (word.starts_with("--for=")) good = parse_parameter(word.substr(6), options.time);
    if (!good) {
      std::fprintf(stderr,
                   "fata: %s: write --seed=NUMBER, --for=TIME such as 1.5s, and -- before "
                   "the image's parameters\n",
                   words[i]);
      return false;
    }
  }
  return true;
}

void flush(std::string& text, std::FILE* to) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
  text.clear();
}

int write_files(const Platform& platform) {
  for (const auto& [path, content] : platform.files) {
    std::FILE* const file = std::fopen(path.c_str(), "wb");
    const bool written =
        file != nullptr && std::fwrite(content.data(), 1, content.size(), file) == content.size();
    if ((file != nullptr && std::fclose(file) != 0) || !written) {
      std::fprintf(stderr, "fata: %s: cannot be written\n", path.c_str());
      return kWrongUsage;
    }
  }
  return 0;
}
}  // namespace

int run_alone(const Main& image, int count, char** words) {
  Options options;
  if (!parse(std::span(words, static_cast<std::size_t>(count)).subspan(1), options))
    return kWrongUsage;
  struct sigaction stop{};
  stop.sa_handler = request_stop;
  stop.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &stop, nullptr);
  ::sigaction(SIGTERM, &stop, nullptr);

  Simulator simulator(options.seed);
  Instance& instance = simulator.start(image, std::move(options.parameters));
  Platform& platform = instance.platform();
  const Instant end = Instant{} + options.time;
  bool possible = true;
  while (possible && simulator.now() < end && instance.state() == Instance::State::kRunning) {
    if (g_stop != 0) platform.request_stop();
    possible = simulator.run(std::min(simulator.now() + kSlice, end));
    flush(platform.console(), stdout);
    flush(platform.log(), stderr);
  }
  const int unwritten = write_files(platform);
  const Text<40> time(std::in_place, simulator.now() - Instant{});
  const int length = static_cast<int>(time.view().size());
  switch (instance.state()) {
    case Instance::State::kRunning:
      std::fprintf(stderr,
                   possible ? "fata: %.*s have been simulated; --for=TIME simulates more\n"
                            : "fata: after %.*s the image waits for something that cannot happen\n",
                   length, time.view().data());
      return unwritten;
    case Instance::State::kPanicked:
      std::fprintf(stderr, "panic: %s\n", instance.panic().c_str());
      return kPanicked;
    case Instance::State::kEnded:
      break;
  }
  return instance.status() != 0 ? instance.status() : unwritten;
}

}  // namespace fata::sim
