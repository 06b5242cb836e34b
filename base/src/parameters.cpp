#include "fata/base/parameters.hpp"

#include <algorithm>

#include "fata/base/panic.hpp"

namespace fata {

bool parse_parameter(std::string_view text, bool& out) {
  const bool yes = text == "true" || text == "yes" || text == "on" || text == "1";
  const bool no = text == "false" || text == "no" || text == "off" || text == "0";
  if (yes || no) out = yes;
  return yes || no;
}

namespace {
template <class T>
bool parse_number(std::string_view text, T& out) {
  std::uint64_t value = 0;
  if (!parse_unsigned(text, std::numeric_limits<T>::max(), value)) return false;
  out = static_cast<T>(value);
  return true;
}
}  // namespace

bool parse_parameter(std::string_view text, std::uint16_t& out) { return parse_number(text, out); }
bool parse_parameter(std::string_view text, std::uint32_t& out) { return parse_number(text, out); }
bool parse_parameter(std::string_view text, std::string_view& out) {
  out = text;
  return true;
}

bool parse_parameter(std::string_view text, Duration& out) {
  struct Unit {
    std::string_view name;
    std::int64_t ns;
  };
  static constexpr std::array<Unit, 6> kUnits{{{"ns", 1},
                                               {"us", 1000},
                                               {"ms", 1'000'000},
                                               {"s", 1'000'000'000},
                                               {"m", 60'000'000'000},
                                               {"h", 3'600'000'000'000}}};
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, digits);
  const auto* const unit = std::ranges::find(kUnits, text.substr(digits), &Unit::name);
  if (unit == kUnits.end()) return false;

  const std::size_t point = std::min(number.find('.'), number.size());
  std::uint64_t whole = 0;
  const auto most =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / unit->ns - 1);
  if (!parse_unsigned(number.substr(0, point), most, whole)) return false;
  std::int64_t ns = static_cast<std::int64_t>(whole) * unit->ns;
  if (point < number.size()) {
    const std::string_view fraction = number.substr(point + 1);
    if (fraction.empty()) return false;
    std::int64_t worth = unit->ns;
    for (const char c : fraction) {
      if (c == '.') return false;
      worth /= 10;
      ns += worth * (c - '0');
    }
  }
  out = nanoseconds(ns);
  return true;
}

bool parse_parameter(std::string_view text, log::Rules& out) {
  const auto rules = log::Rules::parse(text);
  if (rules) out = *rules;
  return rules.has_value();
}

bool parse_parameter(std::string_view text, Ipv4Address& out) {
  const std::optional<Ipv4Address> address = Ipv4Address::parse(text);
  if (address) out = *address;
  return address.has_value();
}
bool parse_parameter(std::string_view text, Ipv4Cidr& out) {
  const std::optional<Ipv4Cidr> cidr = Ipv4Cidr::parse(text);
  if (cidr) out = *cidr;
  return cidr.has_value();
}

std::string_view parameter_expects(Ipv4Address) { return "an IPv4 address"; }
std::string_view parameter_expects(const Ipv4Cidr&) {
  return "an IPv4 address and prefix length such as 10.0.2.15/24 (dhcp: build with -D dhcp=true)";
}
std::string_view parameter_expects(bool) { return "true or false"; }
std::string_view parameter_expects(std::uint16_t) { return "a number from 0 to 65535"; }
std::string_view parameter_expects(std::uint32_t) { return "a number from 0 to 4294967295"; }
std::string_view parameter_expects(std::string_view) { return "a text"; }
std::string_view parameter_expects(Duration) { return "a time such as 250ms or 1.5s"; }
std::string_view parameter_expects(const log::Rules&) {
  return "levels such as info or '*:info,dns:debug'";
}

namespace {

// Levenshtein distance between a word and a parameter's name; both at most kMaxName characters.
constexpr std::size_t kMaxName = 31;
[[gnu::noinline, clang::minsize]] std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::size_t, kMaxName + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// Returns an empty name if none is near.
[[gnu::noinline, clang::minsize]] std::string_view nearest(std::span<const Parameter> table,
                                                           std::string_view name) {
  if (name.size() > kMaxName) return {};
  std::string_view best;
  std::size_t best_distance = name.size() / 3 + 2;  // beyond this, it would be a guess
  for (std::size_t i = 0; i <= table.size(); ++i) {
    const std::string_view candidate = i < table.size() ? table[i].name : std::string_view("help");
    const std::size_t d = candidate.size() <= kMaxName ? distance(name, candidate) : best_distance;
    if (d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

const Parameter* find(std::span<const Parameter> table, std::string_view name) {
  for (const Parameter& parameter : table) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

using Reason = ParameterError::Reason;

// Skips a word without dashes if it comes from a hypervisor. Otherwise returns false; `near` is
// then the parameter name that the word resembles, if any.
bool pass_over(std::span<const Parameter> table, std::string_view word, std::string_view name,
               const Strays* strays, std::string_view& near) {
  using enum platform::StrayWord;
  const platform::StrayWord kind = strays == nullptr ? kImage : strays->classify(word);
  if (kind != kHypervisor) near = nearest(table, name);
  if (kind == kImage || !near.empty()) return false;
  strays->passed.put(' ');
  strays->passed.put(word);
  return true;
}

// Returns the reason for an error, if any; `error` then holds the rest. All errors share one object
// and one exit path, because this code is a large part of a small image.
std::optional<Reason> read(std::span<const Parameter> table,
                           std::span<const std::string_view> words, const Strays* strays,
                           ParameterError& error, bool& help) {
  for (const Parameter& parameter : table) {
    if (!parameter.default_text) continue;
    error.word = parameter.name;
    error.value = *parameter.default_text;
    error.parameter = &parameter;
    if (!parameter.set(error.value)) return Reason::kWrongDefault;
  }

  std::array<std::size_t, kMaxParameters> times{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const std::size_t equals = word.find('=');
    std::string_view name = word.substr(0, equals);
    error.word = word;
    error.value = {};
    error.parameter = nullptr;
    if (!word.starts_with("--") || word.size() == 2) {
      if (pass_over(table, word, name, strays, error.value)) continue;
      return Reason::kNotAParameter;
    }
    name.remove_prefix(2);
    help = name == "help";
    if (help) return std::nullopt;

    bool has_value = equals != word.npos;
    const Parameter* parameter = find(table, name);
    std::string_view value = "true";
    if (has_value) value = word.substr(equals + 1);
    if (parameter == nullptr && name.starts_with("no-") && !has_value) {
      parameter = find(table, name.substr(3));
      if (parameter != nullptr && !parameter->is_flag) parameter = nullptr;
      value = "false";
    }
    if (parameter == nullptr) {
      error.value = nearest(table, name);
      return Reason::kUnknown;
    }
    error.parameter = parameter;
    if (!has_value && !parameter->is_flag) {
      if (i + 1 == words.size() || words[i + 1].starts_with("--")) return Reason::kNoValue;
      value = words[++i];
    }
    std::size_t& given = times[static_cast<std::size_t>(parameter - table.data())];
    if (++given > parameter->max_times) return Reason::kTooOften;
    error.value = value;
    if (!parameter->set(value)) return Reason::kWrongValue;
  }
  return std::nullopt;
}

}  // namespace

std::expected<bool, ParameterError> parse_parameters(std::span<const Parameter> table,
                                                     std::span<const std::string_view> words,
                                                     const Strays* strays) {
  check(table.size() <= kMaxParameters, "an image has at most 64 parameters");
  ParameterError error{};
  bool help = false;
  const std::optional<Reason> wrong = read(table, words, strays, error, help);
  if (!wrong) return !help;
  error.reason = *wrong;
  return fail(error);
}

void write_text(TextWriter& out, const ParameterError& error) {
  const std::string_view name = error.word.substr(0, error.word.find('='));
  const bool near = !error.value.empty();
  switch (error.reason) {
    case Reason::kUnknown:
      print(out, "unknown parameter ", name, near ? "; " : "; --help lists them");
      break;
    case Reason::kNotAParameter:
      print(out, "'", error.word, "' is no parameter",
            near ? "; " : ": write --name=value (--help lists them)");
      break;
    case Reason::kNoValue:
      print(out, error.word, " needs ", error.parameter->expects, ": write ", error.word, "=...");
      break;
    case Reason::kWrongValue:
      print(out, "--", error.parameter->name, " takes ", error.parameter->expects, ", not '",
            error.value, "'");
      break;
    case Reason::kTooOften:
      print(out, "--", error.parameter->name, " was given more than ");
      if (error.parameter->max_times == 1) {
        out.put("once");
      } else {
        print(out, error.parameter->max_times, " times");
      }
      out.put("; leave one out");
      break;
    case Reason::kWrongDefault:
      print(out, "the default of --", error.parameter->name, " in config.cpp, '", error.value,
            "', is not ", error.parameter->expects);
      break;
  }
  if (error.reason <= Reason::kNotAParameter && near)
    print(out, "did you mean --", error.value, '?');
}

void write_parameter_help(std::string_view image, std::span<const Parameter> table,
                          void (*line)(std::string_view)) {
  std::size_t widest = 6;
  for (const Parameter& parameter : table) widest = std::max(widest, parameter.name.size() + 2);

  Text<log::kMaxLine> text;
  print(text, "Parameters of ", image, ", as --name=value:");
  line(text.view());
  const auto entry = [&](std::string_view name) {
    text.clear();
    print(text, "  --", name);
    while (text.size() < widest + 4) text.put(' ');
  };
  for (const Parameter& parameter : table) {
    entry(parameter.name);
    print(text, parameter.help, " (", parameter.expects);
    if (parameter.max_times > 1) print(text, ", up to ", parameter.max_times, " times");
    if (parameter.default_text) print(text, "; default ", *parameter.default_text);
    text.put(')');
    line(text.view());
  }
  entry("help");
  text.put("print this and end");
  line(text.view());
}

}  // namespace fata
