// What a stack's reports and name servers show of a part that is attached to it and configures it
// from the network, such as a DHCP client.
#pragma once

#include <span>

#include "fata/base/address.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/text.hpp"
#include "fata/base/time.hpp"

namespace fata::stack {

class Part {
 public:
  // All are empty without a configuration.
  virtual std::span<const Ipv4Address> name_servers() const = 0;
  virtual std::span<const Ipv4Address> time_servers() const = 0;
  virtual std::span<const char> domain() const = 0;
  // One human-readable line about its state.
  virtual void write(TextWriter& line, Instant now) const = 0;
  virtual std::span<const Counter> counters() const = 0;

  // The next part of the stack, in no particular order.
  const Part* next() const { return next_; }

 protected:
  ~Part() = default;

 private:
  friend class Stack;
  Part* next_ = nullptr;
};

}  // namespace fata::stack
