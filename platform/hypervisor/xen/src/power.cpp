#include "power.hpp"

#include "fata/base/log.hpp"
#include "fata/kernel/hypervisor.hpp"

namespace fata::xen {

void Control::start(Store& store) { listener_.emplace(listen(this, &store)); }

async::Task<void> Control::listen(Control* self, Store* store) {
  // Announces the supported requests, so that a manager does not wait for unsupported ones.
  for (const char* feature :
       {"control/feature-poweroff", "control/feature-reboot", "control/feature-suspend"})
    store->write_and_forget(feature, "1");
  Watch watch(*store, "control/shutdown");
  for (;;) {
    if (!co_await watch.next()) co_return;
    const Result<std::string> asked = co_await store->read("control/shutdown");
    if (!asked || asked->empty()) continue;
    // Clearing the request acknowledges it.
    (void)co_await store->write("control/shutdown", "");
    if (*asked == "suspend") {
      self->suspend_ = true;
    } else if (*asked == "poweroff" || *asked == "halt" || *asked == "reboot") {
      self->reboot_ = *asked == "reboot";
      kernel::request_stop();
    }
  }
}

}  // namespace fata::xen
