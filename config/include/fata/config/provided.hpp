// The devices that a target provides: its NICs, its disks, its packet captures.
//
// A driver registers a maker for its target, in a source of its own folder:
//
//   const Provides<NetDevice> kNetwork(Target::kKvm, [](const Context&, const Request& request) {
//     return device<NetDevice>({.type = "fata::virtio::NetDevice", ...});
//   });
//
// network(context, 0) and the like find it by the target of the context.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "fata/config/context.hpp"
#include "fata/config/device.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

struct Request {
  std::size_t number = 0;   // the nth device of its kind, from 0
  std::string_view name{};  // its name in config.cpp, if it has one
  Where where = Where::current();
};

template <Tag T>
class Provides {
 public:
  using Maker = Device<T> (*)(const Context&, const Request&);

  // The last maker registered for a target is used.
  Provides(Target target, Maker maker) { makers().insert_or_assign(target, maker); }

  // Null if the target has no such device.
  static Maker of(Target target) {
    const auto found = makers().find(target);
    return found == makers().end() ? nullptr : found->second;
  }

 private:
  static std::map<Target, Maker>& makers() {
    static std::map<Target, Maker> all;
    return all;
  }
};

// The target's device. Throws ConfigError if it has none; `called` is its name in the message: "a
// NIC".
template <Tag T>
Device<T> provided(const Context& context, std::string_view called, const Request& request) {
  if (const auto make = Provides<T>::of(context.target())) return make(context, request);
  throw ConfigError(at(request.where) + "the target " + std::string(name(context.target())) +
                    " has no " + std::string(called));
}

}  // namespace fata::config
