// Typed parameters that the running image reads from its command line: `--name=value`.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace fata::config {

// Types without a C++ counterpart on the host are written as text, as on the command line. An image
// with an invalid default prints one line at its start and exits with status 64. The types of
// libraries are in their own headers.

// "10.0.2.2"
struct Ipv4 {
  std::string text;
};
// "10.0.2.15/24"
struct Ipv4Cidr {
  std::string text;
};
// "250ms", "30s"
struct Duration {
  std::string text;
};
// "*:info,dns:debug"
struct LogRules {
  std::string text;
};
// A parameter accepted up to N times.
template <class T, std::size_t N>
struct List {};

// A type's name in the generated main, and the text of a default.
template <class T>
struct ParameterTraits;

struct ParameterSpec {
  std::string name, help;
  std::string cpp_type;      // "std::uint16_t"
  std::string default_text;  // as on the command line
  bool has_default = true;
  std::vector<std::string> headers;
  std::source_location where;
};

template <class T>
class Parameter {
 public:
  explicit Parameter(std::shared_ptr<const ParameterSpec> spec) : spec_(std::move(spec)) {}
  const std::shared_ptr<const ParameterSpec>& spec() const { return spec_; }

 private:
  std::shared_ptr<const ParameterSpec> spec_;
};

// The name of a parameter of the nth device of its kind: "tap" for 0, "tap-1" for 1.
std::string numbered(std::string_view name, std::size_t number);

// Throws ConfigError if the name is invalid (allowed: lower case letters, digits and hyphens,
// except "help").
std::shared_ptr<const ParameterSpec> make_parameter(ParameterSpec spec);

// A parameter `--name` with a default. It may be used several times and remains one parameter; two
// parameters with one name are an error.
template <class T>
Parameter<T> parameter(std::string_view name, T otherwise, std::string_view help,
                       std::source_location where = std::source_location::current()) {
  using Traits = ParameterTraits<T>;
  return Parameter<T>(make_parameter({.name = std::string(name),
                                      .help = std::string(help),
                                      .cpp_type = Traits::cpp_type(),
                                      .default_text = Traits::text(otherwise),
                                      .has_default = Traits::has_value(otherwise),
                                      .headers = Traits::headers(),
                                      .where = where}));
}
inline Parameter<std::string> parameter(
    std::string_view name, const char* otherwise, std::string_view help,
    std::source_location where = std::source_location::current()) {
  return parameter<std::string>(name, std::string(otherwise), help, where);
}
// An optional parameter: std::optional in the image.
template <class T>
Parameter<std::optional<T>> optional_parameter(
    std::string_view name, std::string_view help,
    std::source_location where = std::source_location::current()) {
  return parameter<std::optional<T>>(name, std::nullopt, help, where);
}
// A parameter accepted up to N times: fata::ParameterList<T, N> in the image.
template <class T, std::size_t N>
Parameter<List<T, N>> list_parameter(std::string_view name, std::string_view help,
                                     std::source_location where = std::source_location::current()) {
  return parameter<List<T, N>>(name, {}, help, where);
}

namespace detail {
struct PlainTraits {
  template <class T>
  static bool has_value(const T&) {
    return true;
  }
  static std::vector<std::string> headers() { return {}; }
};
}  // namespace detail

template <>
struct ParameterTraits<bool> : detail::PlainTraits {
  static std::string cpp_type() { return "bool"; }
  static std::string text(bool value) { return value ? "true" : "false"; }
};
template <>
struct ParameterTraits<std::uint16_t> : detail::PlainTraits {
  static std::string cpp_type() { return "std::uint16_t"; }
  static std::string text(std::uint16_t value) { return std::to_string(value); }
};
template <>
struct ParameterTraits<std::uint32_t> : detail::PlainTraits {
  static std::string cpp_type() { return "std::uint32_t"; }
  static std::string text(std::uint32_t value) { return std::to_string(value); }
};
template <>
struct ParameterTraits<std::string> : detail::PlainTraits {
  static std::string cpp_type() { return "std::string_view"; }
  static std::string text(const std::string& value) { return value; }
};
template <>
struct ParameterTraits<Duration> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::Duration"; }
  static std::string text(const Duration& value) { return value.text; }
};
template <>
struct ParameterTraits<LogRules> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::log::Rules"; }
  static std::string text(const LogRules& value) { return value.text; }
};
template <>
struct ParameterTraits<Ipv4> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::Ipv4Address"; }
  static std::string text(const Ipv4& value) { return value.text; }
};
template <>
struct ParameterTraits<Ipv4Cidr> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::Ipv4Cidr"; }
  static std::string text(const Ipv4Cidr& value) { return value.text; }
};
template <class T>
struct ParameterTraits<std::optional<T>> {
  static std::string cpp_type() { return "std::optional<" + ParameterTraits<T>::cpp_type() + ">"; }
  static std::string text(const std::optional<T>& value) {
    return value ? ParameterTraits<T>::text(*value) : "";
  }
  static bool has_value(const std::optional<T>& value) { return value.has_value(); }
  static std::vector<std::string> headers() { return ParameterTraits<T>::headers(); }
};
template <class T, std::size_t N>
struct ParameterTraits<List<T, N>> {
  static std::string cpp_type() {
    return "fata::ParameterList<" + ParameterTraits<T>::cpp_type() + ", " + std::to_string(N) + ">";
  }
  static std::string text(const List<T, N>&) { return ""; }
  static bool has_value(const List<T, N>&) { return false; }
  static std::vector<std::string> headers() { return ParameterTraits<T>::headers(); }
};

}  // namespace fata::config
