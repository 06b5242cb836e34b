// What config.cpp itself chooses among: how a device is made, and what a port serves.
#pragma once

namespace fata::plan {

// How the generated main constructs a device.
enum class Form {
  kValue,    // T name(devices..., parameters...);
  kConnect,  // co_await T::connect(context, devices..., parameters...): Result<std::unique_ptr<T>>
  kJob,      // T name(context, devices..., parameters...); then co_await name.start()
  kMember,   // auto& name = owner.member();
};

enum class Protocol { kUdp, kTcp };

}  // namespace fata::plan
