// The platform-dependent parts of startup: parses the command line and prints its errors, and
// prints why a part of the image cannot be set up.
#include "fata/base/parameters.hpp"
#include "fata/base/platform.hpp"

namespace fata {
namespace {
void console_line(std::string_view line) {
  platform::console_write(line);
  platform::console_write("\n");
}
}  // namespace

std::optional<int> start_parameters(std::string_view image, std::span<const Parameter> table,
                                    const log::Rules& rules) {
  Text<log::kMaxLine> line;
  write_log_prefix(line, log::Level::kDebug, "parameters");
  line.put("passed over, as words of a hypervisor:");
  const std::size_t empty = line.size();
  const Strays strays{platform::classify_stray, line};
  const auto outcome = parse_parameters(table, platform::arguments(), &strays);
  if (!outcome) {
    line.clear();
    print(line, image, ": ", outcome.error());
    console_line(line.view());
    return 64;
  }
  if (!*outcome) {
    write_parameter_help(image, table, console_line);
    return 63;
  }
  if (line.size() != empty && rules.level_of("parameters") == log::Level::kDebug)
    finish_log_line(line, log::Level::kDebug);
  return std::nullopt;
}

int cannot_set_up(std::string_view image, std::string_view what, const Error& error) {
  const Text<log::kMaxLine> line(std::in_place, image, ": cannot set up ", what, ": ", error);
  console_line(line.view());
  return 64;
}

int cannot_set_up(std::string_view image, std::string_view what, const Error& error,
                  std::string_view named) {
  if (named.empty()) return cannot_set_up(image, what, error);
  Text<log::kMaxLine> line(std::in_place, image, ": cannot set up ", what, ": ",
                           error.domain().name, ": ", named, ": ", error.message());
  if (error.detail() != 0) print(line, " (", error.detail(), ")");
  console_line(line.view());
  return 64;
}

}  // namespace fata
