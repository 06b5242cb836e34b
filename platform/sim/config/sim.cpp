#include "fata/config/provided.hpp"
#include "fata/config/sig/store.hpp"

namespace fata::config {

namespace {
const Provides<Block> kBlock(Target::kSim, [](const Context&, const Request& request) {
  return device<Block>({.type = "fata::sim::ImageDisk",
                        .headers = {"fata/sim/image_disk.hpp"},
                        .libraries = {"platform_sim"},
                        .form = Form::kConnect,
                        .only_on = Target::kSim,
                        .called = "the disk '" + std::string(request.name) + "'",
                        .where = request.where});
});
}  // namespace

}  // namespace fata::config
