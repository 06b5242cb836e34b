// Parameter types of a measurement.
#pragma once

#include <cstdint>
#include <string_view>

#include "fata/base/address.hpp"

namespace fata::iperf {

// "64", "8K", "1M", "2G": bytes, in powers of 1024.
struct Size {
  std::uint64_t bytes = 0;
};
bool parse_parameter(std::string_view text, Size& out);
std::string_view parameter_expects(const Size&);

// "500K", "10M", "1G": bits per second, in powers of 1000.
struct Rate {
  std::uint64_t bits = 0;
};
bool parse_parameter(std::string_view text, Rate& out);
std::string_view parameter_expects(const Rate&);

}  // namespace fata::iperf
