// Files of the application, linked into the image.
#pragma once

#include <string_view>

#include "fata/config/device.hpp"
#include "fata/config/sig/store.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

// The files of a folder next to config.cpp, read without copying.
Device<KeyValue> crunch(std::string_view folder, Where where = Where::current());

}  // namespace fata::config
