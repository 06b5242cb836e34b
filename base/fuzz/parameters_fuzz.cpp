// Parses arbitrary words, separated by zero bytes in the input, as the command line of an image.
// Accepted values must be within their ranges, and an error's text must fit on one line.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fata/base/panic.hpp"
#include "fata/base/parameters.hpp"

namespace fata {
namespace {

void read(std::span<const std::string_view> words) {
  std::uint16_t port = 0;
  std::uint32_t limit = 0;
  std::string_view zone;
  bool verbose = false;
  Duration every;
  log::Rules rules;
  Ipv4Cidr ipv4;
  std::optional<Ipv4Address> gateway;
  ParameterList<Duration, 3> waits;
  const std::array table{Parameter("port", "", "1053", port),
                         Parameter("limit", "", "100", limit),
                         Parameter("zone", "", "", zone),
                         Parameter("verbose", "", "false", verbose),
                         Parameter("every", "", "1s", every),
                         Parameter("log", "", "*:info", rules),
                         Parameter("ipv4", "", "10.0.2.15/24", ipv4),
                         Parameter("ipv4-gateway", "", std::nullopt, gateway),
                         Parameter("wait", "", std::nullopt, waits)};
  const auto outcome = parse_parameters(table, words);
  // For any input, the error's text fits on one line, provided that the words themselves fit.
  if (!outcome) {
    Text<65536> line(std::in_place, outcome.error());
    check(!line.view().empty() && !line.truncated(), "an error without its line");
  } else if (*outcome) {
    check(ipv4.prefix <= 32 && every.ns >= 0 && waits.items().size() <= 3,
          "a value out of its range");
  }
}

}  // namespace
}  // namespace fata

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> words;
  for (std::size_t begin = 0; begin < size;) {
    const std::size_t end = std::min(text.find('\0', begin), size);
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  fata::read(words);
  return 0;
}
