#include "fata/config/sharing.hpp"

namespace fata::config {

namespace {
DeviceSpec sharing_spec(std::string type, std::string called, Where where) {
  return {.type = std::move(type),
          .headers = {"fata/xen/sharing.hpp"},
          .libraries = {"xen"},
          .only_on = Target::kXen,
          .called = std::move(called),
          .where = where};
}
}  // namespace

Device<GrantTable> default_grants(const Context&, Where where) {
  return device<GrantTable>({.type = "fata::bus::xen::GrantTable",
                             .headers = {"fata/bus/xen/grants.hpp", "fata/async/task.hpp"},
                             .libraries = {"bus"},
                             .form = Form::kConnect,
                             .only_on = Target::kXen,
                             .called = "the table of grants",
                             .where = where});
}
Device<EventChannels> default_events(const Context&, Where where) {
  return device<EventChannels>(
      sharing_spec("fata::xen::EventChannels", "the event channels", where));
}
Device<Xenstore> default_xenstore(const Context&, Where where) {
  return device<Xenstore>(sharing_spec("fata::xen::SharedStore", "xenstore", where));
}

}  // namespace fata::config
