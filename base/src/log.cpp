#include "fata/base/log.hpp"

#include "fata/base/platform.hpp"

namespace fata {
namespace log {

namespace {
constexpr std::array<std::string_view, 5> kNames{"off", "error", "warning", "info", "debug"};

// Returns the text before the first `end`, or all of the text if there is none.
std::string_view before(std::string_view text, char end) {
  std::size_t size = 0;
  while (size < text.size() && text[size] != end) ++size;
  return text.substr(0, size);
}
}  // namespace

std::string_view name(Level level) { return kNames[static_cast<std::size_t>(level)]; }

std::expected<Rules, Rules::ParseError> Rules::parse(std::string_view text) {
  std::expected<Rules, ParseError> rules;
  std::string_view word, wrong;
  while (!text.empty() && wrong.empty()) {
    word = before(text, ',');
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    std::string_view source = before(word, ':'), level = word;
    if (source.size() == word.size()) {
      source = std::string_view("*");
    } else {
      level.remove_prefix(source.size() + 1);
    }
    std::size_t which = kNames.size();
    while (which != 0 && kNames[which - 1] != level) --which;
    if (source.empty()) {
      wrong = "the source before ':' is missing";
    } else if (which == 0) {
      wrong = "the level is none of off, error, warning, info, debug";
    } else if (rules->count_ == kMaxRules) {
      wrong = "more than 16 rules";
    } else {
      rules->rules_[rules->count_++] = {source, static_cast<Level>(which - 1)};
    }
  }
  if (!wrong.empty()) rules = std::unexpected(ParseError{word, wrong});
  return rules;
}

Level Rules::level_of(std::string_view source) const {
  Level level = Level::kInfo;
  for (std::size_t i = 0; i < count_; ++i) {
    if (rules_[i].source == "*" || rules_[i].source == source) level = rules_[i].level;
  }
  return level;
}

}  // namespace log

void write_log_prefix(TextWriter& out, log::Level level, std::string_view source) noexcept {
  // Writes the seconds with three decimals, last digit first. This is hand-written, since every
  // line contains them.
  constexpr std::size_t kMax = 24, kWidth = 9, kPoint = kMax - 4;
  std::array<char, kMax> uptime;
  std::size_t begin = kMax;
  auto ms = static_cast<std::uint64_t>(platform::monotonic_now().ns / 1'000'000);
  do {
    uptime[--begin] = static_cast<char>('0' + ms % 10);
    ms /= 10;
    if (begin == kPoint + 1) uptime[--begin] = '.';
  } while (ms != 0 || begin >= kPoint);
  while (begin > kMax - kWidth) uptime[--begin] = ' ';
  print(out, '[', std::string_view(uptime.data(), kMax).substr(begin), "] ", log::name(level), ' ',
        source, ": ");
}

void finish_log_line(TextWriter& out, log::Level level) noexcept {
  if (!out.truncated()) return log_sink(level, out.view());
  [[clang::uninitialized]] Text<log::kMaxLine> cut;
  print(cut, out.view().substr(0, log::kMaxLine - 3), "...");
  log_sink(level, cut.view());
}

}  // namespace fata
