// Context: passed by the generated main to every device and job.
#pragma once

#include "fata/async/cancel.hpp"
#include "fata/async/loop.hpp"
#include "fata/base/log.hpp"

namespace fata::async {

struct Context {
  Loop& loop;
  CancelToken stop;        // cancelled on a stop request: finish, then return
  log::Rules log_rules{};  // from --log
  // Total bytes available to the image; budgets are shares of it.
  std::size_t memory = std::size_t{64} << 20;

  // `source` is static text.
  Logger logger(std::string_view source) const {
    return Logger(source, log_rules.level_of(source));
  }
};

}  // namespace fata::async
