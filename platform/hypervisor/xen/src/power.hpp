// Shutdown requests of a manager through xenstore's control/shutdown, and ending the domain.
#pragma once

#include <optional>
#include <utility>

#include "fata/async/background.hpp"
#include "fata/bus/xen/store.hpp"

namespace fata::xen {

using namespace bus::xen;

// Handles poweroff, halt and reboot, which request a stop of the image, and suspend, which the
// platform performs.
class Control {
 public:
  // Starts watching; needs the loop.
  void start(Store& store);
  // True if the image stops because of a reboot request.
  bool wants_reboot() const { return reboot_; }
  // True once after a suspend request; it must be performed between two turns of the loop.
  bool take_suspend() { return std::exchange(suspend_, false); }

 private:
  static async::Task<void> listen(Control* self, Store* store);

  bool reboot_ = false;
  bool suspend_ = false;
  std::optional<async::Background> listener_;
};

}  // namespace fata::xen
