// The files that an image gets at its start.
#pragma once

#include "fata/config/context.hpp"
#include "fata/config/device.hpp"
#include "fata/config/sig/store.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

// Keys, certificates, zones and the like that are not linked into the image. On a kernel, the
// hypervisor passes them as the initial ramdisk: a tar archive, which `fata run --files FOLDER`
// makes. On linux they are the folder that the parameter --files names. An image without its files
// ends with status 64.
Device<KeyValue> boot_files(const Context& context, Where where = Where::current());

}  // namespace fata::config
