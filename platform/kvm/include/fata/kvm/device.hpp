// Platform services for device drivers: discovery, interrupts, DMA addresses. A driver is also a
// guest::Device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fata/guest/command_line.hpp"
#include "fata/guest/device.hpp"
#include "fata/machine/interrupts.hpp"
#include "fata/machine/memory.hpp"

namespace fata::kvm {

// The virtio devices on the command line.
std::span<const guest::MmioDevice> mmio_devices() noexcept;

// Registers at a physical address (a virtio-mmio slot, a PCI BAR), mapped one to one and uncached.
using machine::map_device;
// The address at which a device accesses our memory (heap or static).
using machine::dma_address;

// Makes an edge on the I/O APIC's pin (virtio_mmio's IRQ) end the idle wait. Returns false if the
// pin does not exist.
bool connect_pin(unsigned irq) noexcept;
// Returns the content of an MSI-X table entry with which the device can end the idle wait. Every
// call uses up one of 62 vectors.
machine::MsiMessage connect_msi() noexcept;

// PCI configuration space through ports 0xcf8/0xcfc (pc, q35). Absent devices and machines without
// PCI read as all ones.
struct PciAddress {
  std::uint8_t bus = 0, device = 0, function = 0;
};
std::uint32_t pci_read32(PciAddress at, std::uint8_t offset) noexcept;
std::uint16_t pci_read16(PciAddress at, std::uint8_t offset) noexcept;
std::uint8_t pci_read8(PciAddress at, std::uint8_t offset) noexcept;
void pci_write32(PciAddress at, std::uint8_t offset, std::uint32_t value) noexcept;
void pci_write16(PciAddress at, std::uint8_t offset, std::uint16_t value) noexcept;

// Calls `visit(context, PciAddress, vendor, device)` for every function on bus 0, and on the buses
// behind its bridges.
using PciVisitor = void (*)(void* context, PciAddress at, std::uint16_t vendor,
                            std::uint16_t device);
void for_each_pci(PciVisitor visit, void* context) noexcept;

}  // namespace fata::kvm
