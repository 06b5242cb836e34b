// The parameters of a running image: `--name=value` words from the process's arguments or the
// kernel's command line.
//
// The generated main holds one variable for each parameter and a table of them:
//
//   std::uint16_t port;
//   const std::array table{Parameter("port", "UDP port to serve", "1053", port)};
//   if (auto status = start_parameters("echo", table)) co_return *status;
//
// Words: `--name=value`, `--name value`, `--flag`, `--no-flag`, `--help`. Parsing is strict: an
// unknown name, a wrong or missing value, a word that belongs to no parameter and a repeated
// parameter are errors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "fata/base/address.hpp"
#include "fata/base/log.hpp"
#include "fata/base/platform.hpp"
#include "fata/base/text.hpp"
#include "fata/base/time.hpp"

namespace fata {

// Parsing by type. A library makes its own type usable with two functions next to it (found by
// argument-dependent lookup):
//   bool parse_parameter(std::string_view text, T& out);      // may keep views of `text`
//   std::string_view parameter_expects(const T&);             // "an IPv4 address"
bool parse_parameter(std::string_view text, bool& out);  // true, yes, on, 1, false, no, off, 0
bool parse_parameter(std::string_view text, std::uint16_t& out);
bool parse_parameter(std::string_view text, std::uint32_t& out);
bool parse_parameter(std::string_view text, std::string_view& out);
// 250ms, 1.5s, 10m; units ns us ms s m h.
bool parse_parameter(std::string_view text, Duration& out);
bool parse_parameter(std::string_view text, log::Rules& out);
bool parse_parameter(std::string_view text, Ipv4Address& out);
bool parse_parameter(std::string_view text, Ipv4Cidr& out);
std::string_view parameter_expects(bool);
std::string_view parameter_expects(std::uint16_t);
std::string_view parameter_expects(std::uint32_t);
std::string_view parameter_expects(std::string_view);
std::string_view parameter_expects(Duration);
std::string_view parameter_expects(const log::Rules&);
std::string_view parameter_expects(Ipv4Address);
std::string_view parameter_expects(const Ipv4Cidr&);

template <class T>
bool parse_parameter(std::string_view text, std::optional<T>& out) {
  return parse_parameter(text, out.emplace());
}
template <class T>
std::string_view parameter_expects(const std::optional<T>&) {
  return parameter_expects(T{});
}

// A parameter that may be given up to N times.
template <class T, std::size_t N>
class ParameterList {
 public:
  static constexpr std::size_t kMax = N;

  std::span<const T> items() const { return std::span(items_).first(count_); }
  bool push(const T& item) {
    if (count_ == N) return false;
    items_[count_++] = item;
    return true;
  }

 private:
  std::array<T, N> items_{};
  std::size_t count_ = 0;
};
template <class T, std::size_t N>
bool parse_parameter(std::string_view text, ParameterList<T, N>& out) {
  T item{};
  return parse_parameter(text, item) && out.push(item);
}
template <class T, std::size_t N>
std::string_view parameter_expects(const ParameterList<T, N>&) {
  return parameter_expects(T{});
}

// One line of the table. The variable must outlive it.
class Parameter {
 public:
  // `default_text` is the variable's value when the parameter is absent; nullopt leaves the
  // variable unchanged.
  template <class T>
  Parameter(std::string_view name, std::string_view help,
            std::optional<std::string_view> default_text, T& variable)
      : name(name),
        help(help),
        default_text(default_text),
        expects(parameter_expects(variable)),
        is_flag(std::is_same_v<T, bool>),
        max_times(times(static_cast<const T*>(nullptr))),
        variable_(&variable),
        parse_([](std::string_view text, void* at) {
          return parse_parameter(text, *static_cast<T*>(at));
        }) {}

  bool set(std::string_view text) const { return parse_(text, variable_); }

  std::string_view name, help;
  std::optional<std::string_view> default_text;
  std::string_view expects;  // "a number from 0 to 65535"
  bool is_flag;
  std::size_t max_times;

 private:
  static constexpr std::size_t times(const void*) { return 1; }
  template <class T, std::size_t N>
  static constexpr std::size_t times(const ParameterList<T, N>*) {
    return N;
  }

  void* variable_;
  bool (*parse_)(std::string_view text, void* variable);
};

struct ParameterError {
  enum class Reason : std::uint8_t {
    kUnknown,
    kNotAParameter,
    kNoValue,
    kWrongValue,
    kTooOften,
    kWrongDefault
  };
  Reason reason;
  std::string_view word;  // as given
  // kWrongValue: the given value; kUnknown, kNotAParameter: the nearest name, if any.
  std::string_view value;
  const Parameter* parameter = nullptr;  // the parameter concerned
};
// "unknown parameter --prot; did you mean --port?": one line that says how to fix the error.
void write_text(TextWriter& out, const ParameterError& error);

inline constexpr std::size_t kMaxParameters = 64;

// The function that classifies words without dashes that are not a parameter's value, and a list of
// the words skipped.
struct Strays {
  platform::StrayWord (*classify)(std::string_view word) noexcept;
  TextWriter& passed;  // each preceded by a space
};

// Sets every variable of the table (at most kMaxParameters): first the defaults, then the values in
// `words`. Returns false if `words` contains --help, where parsing stops. Keeps views of the words,
// and allocates nothing. If `strays` is null, a word without dashes that is not a value is an
// error.
std::expected<bool, ParameterError> parse_parameters(std::span<const Parameter> table,
                                                     std::span<const std::string_view> words,
                                                     const Strays* strays = nullptr);

// Calls `line` once for each line of the --help text, without its newline.
void write_parameter_help(std::string_view image, std::span<const Parameter> table,
                          void (*line)(std::string_view));

// The first step of an image: parses platform::arguments(). Returns an exit status if the image
// must end: 63 after printing the help on the console, 64 after one line about the error. A line at
// level debug lists the skipped words, if `rules` (which a parameter may set) permits it.
std::optional<int> start_parameters(std::string_view image, std::span<const Parameter> table,
                                    const log::Rules& rules = {});

// Prints "NAME: cannot set up WHAT: ERROR" on the console and returns the exit status: 64.
int cannot_set_up(std::string_view image, std::string_view what, const Error& error);
// As above, for an error about `named`, which the parameters name: "NAME: cannot set up WHAT:
// DOMAIN: NAMED: MESSAGE".
int cannot_set_up(std::string_view image, std::string_view what, const Error& error,
                  std::string_view named);

}  // namespace fata
