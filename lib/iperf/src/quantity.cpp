#include "fata/iperf/quantity.hpp"

#include "fata/base/text.hpp"

namespace fata::iperf {

namespace {

bool parse_scaled(std::string_view text, std::uint64_t base, std::uint64_t& out) {
  constexpr std::string_view kUnits = "KMGT";
  std::uint64_t unit = 1;
  if (!text.empty()) {
    const char last =
        text.back() >= 'a' ? static_cast<char>(text.back() - ('a' - 'A')) : text.back();
    const std::size_t power = kUnits.find(last);
    if (power != kUnits.npos) {
      text.remove_suffix(1);
      for (std::size_t i = 0; i <= power; ++i) unit *= base;
    }
  }
  constexpr std::uint64_t kMax = 0x7fff'ffff'ffff'ffff;
  if (!parse_unsigned(text, kMax / unit, out)) return false;
  out *= unit;
  return true;
}

}  // namespace

bool parse_parameter(std::string_view text, Size& out) {
  return parse_scaled(text, 1024, out.bytes);
}
std::string_view parameter_expects(const Size&) {
  return "a number of bytes, with K, M, G or T if need be";
}

bool parse_parameter(std::string_view text, Rate& out) {
  return parse_scaled(text, 1000, out.bits);
}
std::string_view parameter_expects(const Rate&) {
  return "a number of bits a second, with K, M, G or T if need be";
}

}  // namespace fata::iperf
