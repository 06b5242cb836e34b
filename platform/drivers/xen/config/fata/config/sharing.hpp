// Communication with other domains on the same host (xen only): shared pages, notifications, and
// xenstore. Fata's own Xen devices use the same tables.
#pragma once

#include "fata/config/context.hpp"
#include "fata/config/device.hpp"
#include "fata/config/sig/xen.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

Device<GrantTable> default_grants(const Context& context, Where where = Where::current());
Device<EventChannels> default_events(const Context& context, Where where = Where::current());
Device<Xenstore> default_xenstore(const Context& context, Where where = Where::current());

}  // namespace fata::config
