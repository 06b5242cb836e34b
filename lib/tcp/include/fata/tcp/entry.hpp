// Entry: an element of the table of connections, found by its two endpoints: a connection, a
// half-open connection, or one in TIME-WAIT.
#pragma once

#include <cstdint>

#include "fata/base/address.hpp"

namespace fata::tcp {

struct Entry {
  enum class Kind : std::uint8_t { kConnection, kHalfOpen, kTimeWait };

  Entry(Kind what, const Endpoint& here, const Endpoint& there)
      : local(here), remote(there), kind(what) {}
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  Entry* next_in_bucket = nullptr;
  const Endpoint local;
  const Endpoint remote;
  const Kind kind;
  bool in_table = false;
  // Low bits of the second of the last challenge ACKs, and their number in that second.
  std::uint8_t challenged_s = 0;
  std::uint8_t challenges = 0;
};

}  // namespace fata::tcp
