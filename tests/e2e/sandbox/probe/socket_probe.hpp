// An image that listens, but does not connect.
#pragma once

#include <fata/async/context.hpp>
#include <fata/sig/flow.hpp>
#include <fata/sig/udp.hpp>

#include "attacks.hpp"

namespace sandbox_probe {

template <fata::sig::Udp Udp, fata::sig::Tcp Tcp>
class SocketProbe {
 public:
  SocketProbe(fata::async::Context& context, Udp& udp, Tcp& tcp, std::string_view attack)
      : log_(context.logger("probe")), udp_(udp), tcp_(tcp), attack_(attack) {}

  fata::async::Task<int> start() {
    const fata::Endpoint anywhere{fata::IpAddress(), 0};
    const auto socket = udp_.bind(anywhere);
    const auto listener = tcp_.listen(anywhere, 1);
    if (!socket || !listener) co_return 1;
    log_.info(attack_, ": ", try_attack(attack_));
    co_return 0;
  }

 private:
  fata::Logger log_;
  Udp& udp_;
  Tcp& tcp_;
  std::string_view attack_;
};

}  // namespace sandbox_probe
