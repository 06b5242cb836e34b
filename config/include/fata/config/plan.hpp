// A plan: the jobs of an image and their devices.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fata/config/context.hpp"
#include "fata/config/device.hpp"
#include "fata/plan/form.hpp"

namespace fata::config {

using plan::Protocol;

class Plan {
 public:
  // `name` is the image's name: lower case letters, digits and hyphens.
  explicit Plan(std::string_view name,
                std::source_location where = std::source_location::current());

  // Jobs run concurrently; the image ends when all have ended, or the first one has failed.
  Plan& run(const Device<Job>& job) {
    jobs_.push_back(job.node());
    return *this;
  }
  // The parameter is a port served by the image; `fata run` forwards the host's port of that
  // number.
  Plan& forward(Protocol protocol, const Parameter<std::uint16_t>& port) {
    forwards_.push_back({protocol, port.spec()});
    return *this;
  }
  // The parameter is a comma-separated list of client addresses trusted by the image. Where
  // `fata run` forwards ports, it adds the forwarder's address, which all forwarded clients share.
  template <class T>
  Plan& forwarded_clients(const Parameter<T>& addresses) {
    forwarded_clients_ = addresses.spec();
    return *this;
  }
  // Guest memory for `fata run`, in MiB.
  Plan& memory(unsigned mebibytes) {
    memory_ = mebibytes;
    return *this;
  }

  // The plan as JSON. Throws ConfigError if it is invalid.
  std::string to_json(const Context& context) const;

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

}  // namespace fata::config

// Defined by config.cpp.
fata::config::Plan plan(const fata::config::Context& context);
