// A guard with the loop whose time it uses, for the drivers of servers.
#pragma once

#include "fata/async/loop.hpp"
#include "fata/dns/guard.hpp"

namespace fata::dns {

// Without a guard, every source is answered, spoofed or not. Both must outlive the server.
struct TimedGuard {
  Guard* guard = nullptr;
  const async::Loop* loop = nullptr;  // not null if there is a guard

  // Call it before each batch of queries.
  void set_time() const {
    if (guard != nullptr) guard->set_time(loop->now());
  }
};

}  // namespace fata::dns
