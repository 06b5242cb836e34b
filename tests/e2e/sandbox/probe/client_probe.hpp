// An image that connects, and accepts and resets connections.
#pragma once

#include <fata/async/context.hpp>
#include <fata/sig/flow.hpp>

#include "attacks.hpp"

namespace sandbox_probe {

template <fata::sig::Tcp Tcp>
class ClientProbe {
 public:
  ClientProbe(fata::async::Context& context, Tcp& tcp, std::string_view attack)
      : log_(context.logger("probe")), tcp_(tcp), attack_(attack) {}

  fata::async::Task<int> start() {
    const auto listener = tcp_.listen({fata::Ipv4Address{0x7f000001}, 0}, 1);
    if (!listener) co_return 1;
    auto here = co_await tcp_.connect((*listener)->local());
    if (!here) co_return 2;
    auto there = co_await (*listener)->accept();
    if (!there) co_return 3;
    (*there)->abort();
    const auto read = co_await (*here)->read();
    if (read || !read.error().is(fata::sig::FlowErrc::kReset)) co_return 4;
    log_.info(attack_, ": ", try_attack(attack_));
    co_return 0;
  }

 private:
  fata::Logger log_;
  Tcp& tcp_;
  std::string_view attack_;
};

}  // namespace sandbox_probe
