// Log lines: "[    1.204] info dns: zone example.org loaded, 12 records".
//
// A Logger is a small value (a source name and a threshold) passed to each component that logs. The
// only global is the link-time hook `log_sink`; thresholds belong to the creator of the loggers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "fata/base/result.hpp"
#include "fata/base/text.hpp"

namespace fata {

namespace log {

enum class Level : std::uint8_t { kOff, kError, kWarning, kInfo, kDebug };
std::string_view name(Level level);

// The value of `--log`: "info", "*:info,dns:debug", "off". The last rule that matches a source
// wins.
class Rules {
 public:
  static constexpr std::size_t kMaxRules = 16;

  struct ParseError {
    std::string_view word;    // the wrong part of the text
    std::string_view reason;  // static text
  };

  // Keeps views of `text`, which must outlive the rules.
  static std::expected<Rules, ParseError> parse(std::string_view text);
  Level level_of(std::string_view source) const;

 private:
  struct Rule {
    std::string_view source;
    Level level = Level::kInfo;
  };
  std::array<Rule, kMaxRules> rules_{};
  std::size_t count_ = 0;
};

inline constexpr std::size_t kMaxLine = 512;  // longer lines are truncated and end in "..."

}  // namespace log

// Link-time hook, defined by the platform (or a test): takes one finished line without its newline.
// Must not block.
void log_sink(log::Level level, std::string_view line) noexcept;

// Helper for the link-time hook: writes the prefix "[    1.204] info dns: " of a line, with the
// time since the image started.
void write_log_prefix(TextWriter& out, log::Level level, std::string_view source) noexcept;
void finish_log_line(TextWriter& out, log::Level level) noexcept;

class Logger {
 public:
  constexpr Logger() = default;
  // `source` must be static text or outlive the logger.
  constexpr Logger(std::string_view source, log::Level threshold)
      : source_(source), threshold_(threshold) {}

  bool enabled(log::Level level) const { return level <= threshold_; }
  std::string_view source() const { return source_; }

  template <class... Parts>
  void error(const Parts&... parts) const {
    write(log::Level::kError, parts...);
  }
  template <class... Parts>
  void warning(const Parts&... parts) const {
    write(log::Level::kWarning, parts...);
  }
  template <class... Parts>
  void info(const Parts&... parts) const {
    write(log::Level::kInfo, parts...);
  }
  template <class... Parts>
  void debug(const Parts&... parts) const {
    write(log::Level::kDebug, parts...);
  }

 private:
  template <class... Parts>
  void write(log::Level level, const Parts&... parts) const {
    if (!enabled(level)) return;
    [[clang::uninitialized]] Text<log::kMaxLine> line;
    write_log_prefix(line, level, source_);
    print(line, parts...);
    finish_log_line(line, level);
  }

  std::string_view source_ = "app";
  log::Level threshold_ = log::Level::kInfo;
};

}  // namespace fata
