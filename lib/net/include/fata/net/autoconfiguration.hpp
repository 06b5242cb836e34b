// What sets up a card as the network says (a DHCP client), as the rest of its stack sees it.
#pragma once

#include <span>

#include "fata/base/address.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/text.hpp"
#include "fata/base/time.hpp"

namespace fata::net {

class Autoconfiguration {
 public:
  // Both empty while it has none.
  virtual std::span<const Ipv4Address> name_servers() const = 0;
  virtual std::span<const char> domain() const = 0;
  // A line about its state, for people.
  virtual void write(TextWriter& line, Instant now) const = 0;
  virtual std::span<const Counter> counters() const = 0;

  // The next one of the stack, in no order.
  const Autoconfiguration* next() const { return next_; }

 protected:
  ~Autoconfiguration() = default;

 private:
  friend class StackCore;
  Autoconfiguration* next_ = nullptr;
};

}  // namespace fata::net
