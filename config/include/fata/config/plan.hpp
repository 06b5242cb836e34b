// A plan: what the image runs, and with what.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "fata/config/context.hpp"
#include "fata/config/device.hpp"

namespace fata::config {

enum class Protocol { kUdp, kTcp };

class Plan {
 public:
  // `name` is the image's: lower case letters, digits and hyphens.
  explicit Plan(std::string_view name,
                std::source_location where = std::source_location::current());

  // Jobs run side by side; the image ends when all have ended, or the first one has failed.
  Plan& run(const Device<Job>& job) {
    jobs_.push_back(job.node());
    return *this;
  }
  // The parameter is a port that the image serves; `fata run` forwards the host's port of that
  // number to it.
  Plan& forward(Protocol protocol, const Parameter<std::uint16_t>& port) {
    forwards_.push_back({protocol, port.spec()});
    return *this;
  }
  // The parameter is a list of addresses, separated by commas, that the image trusts as clients.
  // Where `fata run` forwards ports, it adds the forwarder's: all forwarded clients seem to be
  // there.
  template <class T>
  Plan& forwarded_clients(const Parameter<T>& addresses) {
    forwarded_clients_ = addresses.spec();
    return *this;
  }
  // Memory that `fata run` gives a guest, in MiB.
  Plan& memory(unsigned mebibytes) {
    memory_ = mebibytes;
    return *this;
  }

  // Writes the plan as versioned JSON. Throws ConfigError if it cannot become an image.
  void write(std::ostream& out, const Context& context) const;

 private:
  struct Forward {
    Protocol protocol;
    std::shared_ptr<const ParameterSpec> port;
  };

  std::string name_;
  std::source_location where_;
  std::vector<detail::NodePtr> jobs_;
  std::vector<Forward> forwards_;
  std::shared_ptr<const ParameterSpec> forwarded_clients_;
  unsigned memory_ = 32;
};

inline constexpr int kPlanVersion = 3;

}  // namespace fata::config

// What config.cpp defines.
fata::config::Plan plan(const fata::config::Context& context);
