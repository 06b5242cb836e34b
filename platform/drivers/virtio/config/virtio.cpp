#include "fata/config/kernel_driver.hpp"

namespace fata::config {

namespace {
const Provides<NetDevice> kNetwork(Target::kKvm, [](const Context&, const Request& request) {
  return detail::kernel_nic("virtio", Target::kKvm, {{"link"}}, request);
});
const Provides<Block> kBlock(Target::kKvm, [](const Context&, const Request& request) {
  return detail::kernel_disk("virtio", Target::kKvm, request);
});
}  // namespace

}  // namespace fata::config
