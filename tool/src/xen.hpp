// Configurations for virtual machine managers: xl, libvirt and Cloud Hypervisor.
#pragma once

#include <string>

#include "commands.hpp"
#include "disk.hpp"

namespace fata::tool {

// For `xl create`. With `keep` the ended domain stays, so that its exit status can be read.
// `ramdisk`: the archive of the boot files; empty if there is none.
std::string xl_config(const Project& project, const std::vector<std::string>& parameters,
                      unsigned memory_mib, const std::vector<Disk>& disks, const fs::path& ramdisk,
                      bool keep);
// The application's disks as files NAME.img in the project's folder, the default.
std::vector<Disk> named_disks(const Project& project);
// An xl configuration with @NAME@ @KERNEL@ @MEMORY@ @EXTRA@ @VIF@ @DISK@, for programs to fill in.
std::string xl_template();

// For `virsh define`.
std::string libvirt_xen(const Project& project);
std::string libvirt_kvm(const Project& project);

// For Cloud Hypervisor's API (vm.create).
std::string cloud_hypervisor_json(const Project& project);

// Throws UsageError without --lab if this machine is not a dom0 or the domain's name is in use.
void check_xen(const Project& project, const RunChoice& choice);
// Runs the image by xl in dom0, or in the lab: an emulated machine that runs Xen.
int run_xen(Project& project, const RunChoice& choice);

}  // namespace fata::tool
