// The stack's view of a client that configures an interface from the network, such as DHCP.
#pragma once

#include <span>

#include "fata/base/address.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/text.hpp"
#include "fata/base/time.hpp"

namespace fata::stack {

class Autoconfiguration {
 public:
  // Both are empty without a configuration.
  virtual std::span<const Ipv4Address> name_servers() const = 0;
  virtual std::span<const char> domain() const = 0;
  // One human-readable line about its state.
  virtual void write(TextWriter& line, Instant now) const = 0;
  virtual std::span<const Counter> counters() const = 0;

  // The next client of the stack, in no particular order.
  const Autoconfiguration* next() const { return next_; }

 protected:
  ~Autoconfiguration() = default;

 private:
  friend class StackCore;
  Autoconfiguration* next_ = nullptr;
};

}  // namespace fata::stack
