#include "fata/config/kernel_driver.hpp"

namespace fata::config {

namespace {
const Provides<NetDevice> kNetwork(Target::kXen, [](const Context&, const Request& request) {
  return detail::kernel_nic("xen", Target::kXen, std::vector<std::string>{}, request);
});
const Provides<Block> kBlock(Target::kXen, [](const Context&, const Request& request) {
  return detail::kernel_disk("xen", Target::kXen, request);
});
}  // namespace

}  // namespace fata::config
