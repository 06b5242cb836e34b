#include "fata/config/provided.hpp"
#include "fata/config/sig/store.hpp"

namespace fata::config {

namespace {
Device<BootArchive> boot_module(const Context& context, const Request& request) {
  return device<BootArchive>({.type = "fata::kernel::BootModule",
                              .headers = {"fata/kernel/boot_module.hpp"},
                              .libraries = {"kernel"},
                              .is_boot_files = true,
                              .only_on = context.target(),
                              .called = "the initial ramdisk",
                              .where = request.where});
}

const Provides<BootArchive> kKvm(Target::kKvm, boot_module);
const Provides<BootArchive> kXen(Target::kXen, boot_module);
}  // namespace

}  // namespace fata::config
