// What a manager of virtual machines needs to run an image: configurations for xl and libvirt, and
// for Cloud Hypervisor.
#pragma once

#include <string>

#include "commands.hpp"
#include "disk.hpp"

namespace fata::tool {

// For `xl create`. With `keep` the ended domain stays, so that its exit status can be read.
std::string xl_config(const Project& project, const std::vector<std::string>& parameters,
                      unsigned memory_mib, const std::vector<Disk>& disks, bool keep);
// The application's disks as files NAME.img in the project's folder, for who has not said which
// they are.
std::vector<Disk> named_disks(const Project& project);
// The same with @NAME@ @KERNEL@ @MEMORY@ @EXTRA@ @VIF@ @DISK@, for who fills them in by a program.
std::string xl_template();

// For `virsh define`.
std::string libvirt_xen(const Project& project);
std::string libvirt_kvm(const Project& project);

// For Cloud Hypervisor's API (vm.create).
std::string cloud_hypervisor_json(const Project& project);

// Throws UsageError for too little memory, and where there is neither a dom0 nor --lab.
void check_xen(const Project& project, const RunChoice& choice);
// On a dom0 by xl, or in the lab: an emulated machine with Xen in it.
int run_xen(Project& project, const RunChoice& choice);

}  // namespace fata::tool
