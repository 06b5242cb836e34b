// An image without devices that attacks its sandbox.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>

#include "attacks.hpp"

namespace sandbox_probe {

class Probe {
 public:
  Probe(fata::async::Context& context, std::string_view attack)
      : log_(context.logger("probe")), attack_(attack) {
    if (attack_ == "thread") start_thread();
  }

  fata::async::Task<int> start() {
    log_.info(attack_, ": ", try_attack(attack_));
    co_return 0;
  }

 private:
  fata::Logger log_;
  std::string_view attack_;
};

}  // namespace sandbox_probe
