// The initial ramdisk of a kernel. Models sig::BootArchive.
#pragma once

#include "fata/arch/boot.hpp"
#include "fata/sig/boot_archive.hpp"

namespace fata::kernel {

struct BootModule {
  Bytes bytes() { return arch::boot_module(); }
};
static_assert(sig::BootArchive<BootModule>);

}  // namespace fata::kernel
