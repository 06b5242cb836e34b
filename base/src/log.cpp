#include "fata/base/log.hpp"

#include "fata/base/platform.hpp"

namespace fata {
namespace log {

namespace {
constexpr std::array<std::string_view, 5> kNames{"off", "error", "warning", "info", "debug"};
}

std::string_view name(Level level) { return kNames[static_cast<std::size_t>(level)]; }

std::expected<Rules, Rules::ParseError> Rules::parse(std::string_view text) {
  Rules rules;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view word = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t colon = word.find(':');
    Rule rule;
    rule.source = colon == word.npos ? "*" : word.substr(0, colon);
    const std::string_view level = colon == word.npos ? word : word.substr(colon + 1);
    if (rule.source.empty()) return std::unexpected(ParseError{word, "the source before ':' is missing"});
    bool known = false;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (level == kNames[i]) rule.level = static_cast<Level>(i), known = true;
    }
    if (!known) return std::unexpected(ParseError{word, "the level is none of off, error, warning, info, debug"});
    if (rules.count_ == kMaxRules) return std::unexpected(ParseError{word, "more than 16 rules"});
    rules.rules_[rules.count_++] = rule;
  }
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
  const auto ms = static_cast<std::uint64_t>(platform::monotonic_now().ns / 1'000'000);
  Text<24> uptime(std::in_place, ms / 1000, '.');
  uptime.put_unsigned(ms % 1000, 3);
  out.put('[');
  for (std::size_t width = uptime.size(); width < 9; ++width) out.put(' ');
  print(out, uptime.view(), "] ", log::name(level), ' ', source, ": ");
}

void finish_log_line(TextWriter& out, log::Level level) noexcept {
  if (!out.truncated()) return log_sink(level, out.view());
  Text<log::kMaxLine> cut;
  print(cut, out.view().substr(0, log::kMaxLine - 3), "...");
  log_sink(level, cut.view());
}

}  // namespace fata
