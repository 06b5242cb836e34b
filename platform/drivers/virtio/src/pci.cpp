// virtio over PCI, modern interface with MSI-X (virtio 1.2, section 4.1).
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "fata/bus/memory.hpp"
#include "fata/bus/pci_device.hpp"
#include "fata/bus/wake.hpp"
#include "transports.hpp"

namespace fata::virtio {

namespace {

constexpr std::uint16_t kModernBase = 0x1040;
constexpr std::uint16_t kNoVector = 0xffff;

using bus::bar_address;
using bus::PciAddress;

// The used part of a window: at most the notification registers of eight queues, a page apart.
constexpr std::uint32_t kMaxWindow = 0x10000;
constexpr std::uint32_t kCommonSize = 56;
constexpr std::uint8_t kLastCapability = 0xff - 19;  // the longest one that is read has 20 octets

// Visits the list of capabilities; bounded, because a bad list may be circular.
template <class Visit>
void for_each_capability(PciAddress at, Visit visit) {
  std::uint8_t offset = static_cast<std::uint8_t>(bus::pci_read8(at, PCI_CAPABILITY_LIST) & 0xfc);
  for (int i = 0; i < 48 && offset >= PCI_STD_HEADER_SIZEOF; ++i) {
    if (offset <= kLastCapability) visit(bus::pci_read8(at, offset), offset);
    offset =
        static_cast<std::uint8_t>(bus::pci_read8(at, static_cast<std::uint8_t>(offset + 1)) & 0xfc);
  }
}

struct Window {
  bus::Registers registers;
  std::uint32_t length = 0;
  std::uint8_t capability = 0;
  bool is_mapped = false;
};

// Maps the window that the capability describes. Returns an empty window if it describes none, and
// one without registers if their address is impossible.
Window map_window(PciAddress at, std::uint8_t capability) {
  const std::uint8_t bar = bus::pci_read8(at, static_cast<std::uint8_t>(capability + 4));
  const std::uint32_t offset = bus::pci_read32(at, static_cast<std::uint8_t>(capability + 8));
  const std::uint32_t length = bus::pci_read32(at, static_cast<std::uint8_t>(capability + 12));
  const std::uint64_t base = bar_address(at, bar);
  if (base == 0 || length == 0) return {};
  const std::uint32_t size = std::min(length, kMaxWindow);
  const std::uint64_t address = base + offset;
  volatile void* const registers =
      address >= base && address % 4 == 0 ? bus::map_device(address, size) : nullptr;
  return {bus::Registers(registers), size, capability, registers != nullptr};
}

class Pci final : public Transport {
 public:
  static Result<std::unique_ptr<Transport>> open(PciAddress at) {
    auto pci = std::unique_ptr<Pci>(new Pci(at));
    const auto command =
        static_cast<std::uint16_t>(bus::pci_read16(at, PCI_COMMAND) | PCI_COMMAND_MEMORY |
                                   PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
    bus::pci_write16(at, PCI_COMMAND, command);
    std::uint8_t msix = 0;
    for_each_capability(at, [&](std::uint8_t id, std::uint8_t offset) {
      if (id == PCI_CAP_ID_MSIX) msix = offset;
      if (id != PCI_CAP_ID_VNDR) return;
      const std::uint8_t type = bus::pci_read8(at, static_cast<std::uint8_t>(offset + 3));
      // The first capability of each type counts.
      const auto take = [&](Window& window) {
        if (window.length == 0) window = map_window(at, offset);
      };
      if (type == VIRTIO_PCI_CAP_COMMON_CFG) take(pci->common_);
      if (type == VIRTIO_PCI_CAP_NOTIFY_CFG) take(pci->notify_);
      if (type == VIRTIO_PCI_CAP_DEVICE_CFG) take(pci->device_);
    });
    if (pci->common_.length < kCommonSize || pci->notify_.length == 0)
      return fail(Error(Errc::kLegacyDevice));
    if (!pci->common_.is_mapped || !pci->notify_.is_mapped ||
        (pci->device_.length != 0 && !pci->device_.is_mapped))
      return fail(Error(Errc::kRegisters));
    if (msix == 0) return fail(Error(Errc::kNoMsix));
    pci->notify_multiplier_ =
        bus::pci_read32(at, static_cast<std::uint8_t>(pci->notify_.capability + 16));
    if (!pci->start_msix(msix)) return fail(Error(Errc::kRegisters));
    return pci;
  }

  std::uint32_t device_id() override { return bus::pci_read16(at_, PCI_DEVICE_ID) - kModernBase; }
  std::uint64_t offered_features() override {
    common_.registers.write<std::uint32_t>(VIRTIO_PCI_COMMON_DFSELECT, 1);
    const std::uint64_t high = common_.registers.read<std::uint32_t>(VIRTIO_PCI_COMMON_DF);
    common_.registers.write<std::uint32_t>(VIRTIO_PCI_COMMON_DFSELECT, 0);
    return high << 32 | common_.registers.read<std::uint32_t>(VIRTIO_PCI_COMMON_DF);
  }
  void accept_features(std::uint64_t features) override {
    common_.registers.write<std::uint32_t>(VIRTIO_PCI_COMMON_GFSELECT, 1);
    common_.registers.write<std::uint32_t>(VIRTIO_PCI_COMMON_GF,
                                           static_cast<std::uint32_t>(features >> 32));
    common_.registers.write<std::uint32_t>(VIRTIO_PCI_COMMON_GFSELECT, 0);
    common_.registers.write<std::uint32_t>(VIRTIO_PCI_COMMON_GF,
                                           static_cast<std::uint32_t>(features));
  }
  std::uint8_t status() override {
    return common_.registers.read<std::uint8_t>(VIRTIO_PCI_COMMON_STATUS);
  }
  void set_status(std::uint8_t status) override {
    common_.registers.write<std::uint8_t>(VIRTIO_PCI_COMMON_STATUS, status);
  }
  std::uint8_t config8(std::size_t offset) override {
    return offset < device_.length ? device_.registers.read<std::uint8_t>(offset) : std::uint8_t{0};
  }
  std::uint16_t queue_max(std::uint16_t index) override {
    if (index >= common_.registers.read<std::uint16_t>(VIRTIO_PCI_COMMON_NUMQ)) return 0;
    common_.registers.write<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SELECT, index);
    return std::min<std::uint16_t>(common_.registers.read<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SIZE),
                                   32768);
  }
  Result<void> start_queue(std::uint16_t index, const Queue& queue,
                           std::uint64_t address) override {
    if (index >= notify_offsets_.size()) return fail(Errc::kNoQueue, index);
    const bus::Registers& common = common_.registers;
    common.write<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SELECT, index);
    common.write<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SIZE, queue.size());
    common.write_halves(VIRTIO_PCI_COMMON_Q_DESCLO, VIRTIO_PCI_COMMON_Q_DESCHI, address);
    common.write_halves(VIRTIO_PCI_COMMON_Q_AVAILLO, VIRTIO_PCI_COMMON_Q_AVAILHI,
                        address + Queue::available_offset(queue.size()));
    common.write_halves(VIRTIO_PCI_COMMON_Q_USEDLO, VIRTIO_PCI_COMMON_Q_USEDHI,
                        address + Queue::used_offset(queue.size()));
    // All queues share one vector: an interrupt only ends the idle wait, after which all queues are
    // polled.
    common.write<std::uint16_t>(VIRTIO_PCI_COMMON_Q_MSIX, 0);
    if (common.read<std::uint16_t>(VIRTIO_PCI_COMMON_Q_MSIX) == kNoVector)
      return fail(Error(Errc::kNoMsix));
    const std::uint64_t offset =
        std::uint64_t{common.read<std::uint16_t>(VIRTIO_PCI_COMMON_Q_NOFF)} * notify_multiplier_;
    if (offset % 2 != 0 || offset + 2 > notify_.length) return fail(Errc::kNoQueue, index);
    notify_offsets_[index] = static_cast<std::uint32_t>(offset);
    common.write<std::uint16_t>(VIRTIO_PCI_COMMON_Q_ENABLE, 1);
    return {};
  }
  void notify(std::uint16_t index) override {
    notify_.registers.write<std::uint16_t>(notify_offsets_[index], index);
  }
  void acknowledge() override {}  // MSI-X needs no acknowledgement

 private:
  explicit Pci(PciAddress at) : at_(at) {}

  bool start_msix(std::uint8_t capability) {
    const std::uint32_t table =
        bus::pci_read32(at_, static_cast<std::uint8_t>(capability + PCI_MSIX_TABLE));
    const std::uint64_t base =
        bar_address(at_, static_cast<std::uint8_t>(table & PCI_MSIX_TABLE_BIR));
    const std::uint64_t address = base + (table & PCI_MSIX_TABLE_OFFSET);
    volatile void* const first =
        base != 0 && address >= base ? bus::map_device(address, PCI_MSIX_ENTRY_SIZE) : nullptr;
    if (first == nullptr) return false;
    const bus::Registers entry(first);
    const bus::MsiMessage message = bus::connect_msi();
    entry.write_halves(PCI_MSIX_ENTRY_LOWER_ADDR, PCI_MSIX_ENTRY_UPPER_ADDR, message.address);
    entry.write<std::uint32_t>(PCI_MSIX_ENTRY_DATA, message.data);
    entry.write<std::uint32_t>(PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
    const auto flags_at = static_cast<std::uint8_t>(capability + PCI_MSIX_FLAGS);
    const auto flags =
        static_cast<std::uint16_t>((bus::pci_read16(at_, flags_at) | PCI_MSIX_FLAGS_ENABLE) &
                                   ~std::uint16_t{PCI_MSIX_FLAGS_MASKALL});
    bus::pci_write16(at_, flags_at, flags);
    common_.registers.write<std::uint16_t>(VIRTIO_PCI_COMMON_MSIX, kNoVector);
    return true;
  }

  PciAddress at_;
  Window common_;
  Window notify_;
  Window device_;
  std::uint32_t notify_multiplier_ = 0;
  std::array<std::uint32_t, 8> notify_offsets_{};
};

}  // namespace

Result<std::unique_ptr<Transport>> open_pci(PciAddress at) { return Pci::open(at); }

}  // namespace fata::virtio
