#include "fata/config/crunch.hpp"

namespace fata::config {

Device<KeyValue> crunch(std::string_view folder, Where where) {
  return detail::make_device<KeyValue>({.type = "fata::crunch::Files",
                                        .headers = {"fata/crunch/files.hpp"},
                                        .libraries = {"crunch"},
                                        .where = where},
                                       {}, {}, std::string(folder));
}

}  // namespace fata::config
