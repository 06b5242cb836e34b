#include "hypercall.hpp"

#include <cstdlib>
#include <cstring>

#include "fata/arch/cpu.hpp"
#include "fata/arch/memory.hpp"

extern "C" {
constinit std::uint8_t fata_uses_vmmcall = 0;
}

namespace fata::xen {

namespace {
// The first of the hypervisor's CPUID leaves; 0 if the hypervisor is not Xen.
std::uint32_t first_leaf() {
  constexpr std::uint32_t kFirst = 0x40000000, kLast = 0x40010000, kStep = 0x100;
  for (std::uint32_t leaf = kFirst; leaf != kLast; leaf += kStep) {
    const arch::CpuId id = arch::cpuid(leaf);
    if (id.b == 0x566e6558 && id.c == 0x65584d4d && id.d == 0x4d4d566e)
      return leaf;  // "XenVMMXenVMM"
  }
  return 0;
}
}  // namespace

bool find_hypervisor() noexcept {
  const std::uint32_t vendor = arch::cpuid(0).b;
  fata_uses_vmmcall =
      vendor == 0x68747541 /* Auth(enticAMD) */ || vendor == 0x6f677948 /* Hygo(nGenuine) */;
  return first_leaf() != 0;
}

std::uint32_t domain_number() noexcept {
  constexpr std::uint32_t kKnown = 1U << 4;  // XEN_HVM_CPUID_DOMID_PRESENT, of the fifth leaf
  const std::uint32_t leaf = first_leaf();
  if (leaf == 0 || arch::cpuid(leaf).a < leaf + 4) return 0;
  const arch::CpuId features = arch::cpuid(leaf + 4);
  return (features.a & kKnown) != 0 ? features.c : 0;
}

std::uint64_t hvm_param(std::uint32_t index) noexcept {
  xen_hvm_param_t param{DOMID_SELF, 0, index, 0};
  return call(__HYPERVISOR_hvm_op, HVMOP_get_param, &param) == 0 ? param.value : 0;
}

void set_hvm_param(std::uint32_t index, std::uint64_t value) noexcept {
  xen_hvm_param_t param{DOMID_SELF, 0, index, value};
  call(__HYPERVISOR_hvm_op, HVMOP_set_param, &param);
}

void* map_hvm_page(std::uint32_t index) noexcept {
  const std::uint64_t frame = hvm_param(index);
  if (frame == 0 || frame > ~std::uint64_t{0} / arch::kPage) return nullptr;
  return const_cast<void*>(arch::map_shared(frame * arch::kPage, arch::kPage, arch::kWritable));
}

bool map_hypervisor_page(unsigned space, std::uint64_t index, void* page) noexcept {
  xen_add_to_physmap_t request{DOMID_SELF, 0, space, index, frame_of(page)};
  return call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &request) == 0;
}

void* new_page() noexcept {
  void* const page = std::aligned_alloc(arch::kPage, arch::kPage);
  std::memset(page, 0, arch::kPage);
  return page;
}

}  // namespace fata::xen

std::uint64_t fata::bus::xen::frame_of(const volatile void* page) noexcept {
  return dma_address(page) / arch::kPage;
}
