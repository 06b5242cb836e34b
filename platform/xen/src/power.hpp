// What a manager asks of the domain through xenstore's control/shutdown, and the ends of a domain.
#pragma once

#include <optional>
#include <utility>

#include "fata/async/background.hpp"
#include "fata/xen/store.hpp"

namespace fata::xen {

// Hears poweroff, halt and reboot, which ask the image to stop, and suspend, which it does itself.
class Control {
 public:
  // Starts listening; with the loop there.
  void start(Store& store);
  // The image stops and a reboot was asked for.
  bool wants_reboot() const { return reboot_; }
  // A suspension was asked for, and is to be carried out between two turns of the loop.
  bool take_suspend() { return std::exchange(suspend_, false); }

 private:
  static async::Task<void> listen(Control* self, Store* store);

  bool reboot_ = false;
  bool suspend_ = false;
  std::optional<async::Background> listener_;
};

}  // namespace fata::xen
