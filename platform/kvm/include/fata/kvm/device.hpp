// What a device driver gets from the platform: discovery, interrupts, addresses for DMA. Its place
// in the loop is a guest::Device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fata/guest/command_line.hpp"
#include "fata/guest/device.hpp"
#include "fata/machine/interrupts.hpp"
#include "fata/machine/memory.hpp"

namespace fata::kvm {

// The virtio devices that the command line names.
std::span<const guest::MmioDevice> mmio_devices() noexcept;

// Registers at a physical address (a virtio-mmio slot, a PCI BAR), mapped one to one and uncached.
using machine::map_device;
// The address a device must be given to reach memory of ours (heap or statics).
using machine::dma_address;

// Lets the I/O APIC's pin (virtio_mmio's IRQ) end the idling; edge-triggered. False if there is no
// such pin.
bool connect_pin(unsigned irq) noexcept;
// What to write into an MSI-X table entry so that the device can end the idling. Every call uses up
// one of 62 vectors.
machine::MsiMessage connect_msi() noexcept;

// PCI configuration space by ports 0xcf8/0xcfc (pc, q35). Absent devices and machines without PCI
// read as all ones.
struct PciAddress {
  std::uint8_t bus = 0, device = 0, function = 0;
};
std::uint32_t pci_read32(PciAddress at, std::uint8_t offset) noexcept;
std::uint16_t pci_read16(PciAddress at, std::uint8_t offset) noexcept;
std::uint8_t pci_read8(PciAddress at, std::uint8_t offset) noexcept;
void pci_write32(PciAddress at, std::uint8_t offset, std::uint32_t value) noexcept;
void pci_write16(PciAddress at, std::uint8_t offset, std::uint16_t value) noexcept;

// Calls `visit(PciAddress, vendor, device)` for every function on bus 0, and on the busses behind
// bridges there.
using PciVisitor = void (*)(void* context, PciAddress at, std::uint16_t vendor,
                            std::uint16_t device);
void for_each_pci(PciVisitor visit, void* context) noexcept;

}  // namespace fata::kvm
