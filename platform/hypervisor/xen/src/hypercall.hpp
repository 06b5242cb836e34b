// Hypercalls. Memory is passed by its virtual address, unless the ABI requires otherwise.
#pragma once

#include "abi.hpp"
#include "fata/bus/xen/grants.hpp"

extern "C" {
long fata_hypercall(unsigned number, std::uint64_t a1, std::uint64_t a2, std::uint64_t a3,
                    std::uint64_t a4);
extern std::uint8_t fata_uses_vmmcall;  // AMD's instruction instead of Intel's
}

namespace fata::xen {

using namespace bus::xen;

// Finds the hypervisor by CPUID and selects the instruction; false if it is not Xen. May run before
// relocation.
bool find_hypervisor() noexcept;

// The domain's number on this host; 0 if Xen is older than 4.12.
std::uint32_t domain_number() noexcept;

inline long call(unsigned number, std::uint64_t a1) { return fata_hypercall(number, a1, 0, 0, 0); }
template <class T>
long call(unsigned number, unsigned command, T* argument, std::uint64_t a3 = 0) {
  return fata_hypercall(number, command, reinterpret_cast<std::uint64_t>(argument), a3, 0);
}

// A parameter of the domain (xen/hvm/params.h); 0 if there is none.
std::uint64_t hvm_param(std::uint32_t index) noexcept;
void set_hvm_param(std::uint32_t index, std::uint64_t value) noexcept;
// Maps the page whose frame number is in a parameter; nullptr if there is none.
void* map_hvm_page(std::uint32_t index) noexcept;

// Maps a page of the hypervisor (XENMAPSPACE_*) in place of the memory at `page`. False if the
// hypervisor refuses.
bool map_hypervisor_page(unsigned space, std::uint64_t index, void* page) noexcept;

// A zeroed page of our own memory; never freed.
void* new_page() noexcept;

}  // namespace fata::xen
