// Prints a greeting and its parameters, and ends with the status that a parameter sets.
#include "fata/async/image.hpp"
#include "fata/base/log.hpp"
#include "fata/base/platform.hpp"

namespace fata {
namespace {

async::Task<int> run() {
  const Logger log("hello", log::Level::kInfo);
  log.info("Hello from a kernel of its own");
  std::uint64_t status = 0;
  for (const std::string_view word : platform::arguments()) {
    log.info("parameter '", word, "'");
    if (word.starts_with("--status=")) parse_unsigned(word.substr(9), 126, status);
  }
  co_return static_cast<int>(status);
}

}  // namespace

async::Task<int> image_main(async::Context&) { return run(); }

}  // namespace fata
