#include "fata/sim/bus/machine.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "fata/base/bytes.hpp"
#include "fata/base/panic.hpp"
#include "fata/bus/pci_walk.hpp"
#include "fata/bus/wake.hpp"

namespace fata::sim {
namespace {
Machine* the_machine = nullptr;
}

Machine::Machine() { the_machine = this; }
Machine::~Machine() { the_machine = nullptr; }
Machine& Machine::current() { return *the_machine; }
bool Machine::exists() { return the_machine != nullptr; }

Machine::Window* Machine::window_at(std::uint64_t address) {
  const auto found = std::ranges::find(windows, address, &Window::address);
  return found == windows.end() ? nullptr : &*found;
}

void Machine::Function::put16(std::size_t offset, std::uint16_t value) {
  store_le(std::as_writable_bytes(std::span(config)).subspan(offset), value);
}
void Machine::Function::put32(std::size_t offset, std::uint32_t value) {
  store_le(std::as_writable_bytes(std::span(config)).subspan(offset), value);
}

std::uint8_t Machine::Function::add(std::uint8_t id, std::uint8_t size) {
  const std::uint8_t at = std::exchange(end_, static_cast<std::uint8_t>(end_ + size));
  put8(std::exchange(link_, static_cast<std::uint8_t>(at + 1)), at);
  put8(at, id);
  return at;
}
void Machine::Function::add_window(std::uint8_t type, std::uint8_t bar, std::uint32_t offset,
                                   std::uint32_t length, std::uint32_t more) {
  const std::uint8_t at = add(9, 20);
  put8(at + 2U, 20);
  put8(at + 3U, type);
  put8(at + 4U, bar);
  put32(at + 8U, offset);
  put32(at + 12U, length);
  put32(at + 16U, more);
}
void Machine::Function::add_msix(std::uint32_t table) { put32(add(17, 12) + 4U, table); }

Machine::Function pci_function(std::uint16_t device_id) {
  Machine::Function function;
  function.put16(0, 0x1af4);
  function.put16(2, static_cast<std::uint16_t>(0x1040 + device_id));
  function.put32(0x10, kCommon);
  function.add_window(1, 0, 0, 56);
  function.add_window(2, 0, 0x1000, 0x1000, 4);
  function.add_window(4, 0, 0x2000, 0x100);
  function.add_msix(0x3000);
  return function;
}

}  // namespace fata::sim

namespace fata::bus {

std::uint64_t dma_address(const volatile void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

volatile void* map_device(std::uint64_t physical, std::size_t size) {
  auto& host = sim::Machine::current();
  if (!may_hold_device(physical, size, std::uint64_t{1} << 46, host.ram)) return nullptr;
  // The registers must be aligned as they would be within a page.
  const std::size_t offset = physical % 16;
  for (const auto& window : host.windows) {
    if (window.address == physical && window.size == size) return window.memory.get();
  }
  host.windows.push_back({physical, size, std::make_unique<std::byte[]>(size)});
  for (sim::Machine::Registers* const model : host.models) {
    if (model->has(physical)) host.windows.back().model = model;
  }
  check(offset % 4 == 0, "registers that are not aligned");
  host.on_map(host.windows.back());
  return host.windows.back().memory.get();
}

namespace {

// The window that holds a register, and the register's offset in it.
std::pair<sim::Machine::Window*, std::size_t> window_of(const volatile void* at, std::size_t size) {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  for (sim::Machine::Window& window : sim::Machine::current().windows) {
    const std::uintptr_t offset = address - reinterpret_cast<std::uintptr_t>(window.memory.get());
    if (offset < window.size && window.size - offset >= size) return {&window, offset};
  }
  panic("a register that is not mapped");
}

}  // namespace

std::uint64_t read_register(const volatile void* at, std::size_t size) noexcept {
  const auto [window, offset] = window_of(at, size);
  if (window->model != nullptr) return window->model->read(window->address + offset, size);
  std::uint64_t value = 0;
  std::memcpy(&value, window->bytes().subspan(offset).data(), size);
  return value;
}

void write_register(volatile void* at, std::uint64_t value, std::size_t size) noexcept {
  const auto [window, offset] = window_of(at, size);
  if (window->model != nullptr) return window->model->write(window->address + offset, value, size);
  std::memcpy(window->bytes().subspan(offset).data(), &value, size);
}

namespace {

template <class T>
T read(PciAddress at, std::uint8_t offset) {
  auto& host = sim::Machine::current();
  ++host.reads;
  for (const auto& function : host.functions) {
    if (function.at.bus != at.bus || function.at.device != at.device ||
        function.at.function != at.function)
      continue;
    const std::size_t aligned = offset & ~(sizeof(T) - 1) & 0xff;
    return load_le<T>(std::as_bytes(std::span(function.config)).subspan(aligned));
  }
  return static_cast<T>(~T{0});
}

}  // namespace

std::uint32_t pci_read32(PciAddress at, std::uint8_t offset) noexcept {
  return read<std::uint32_t>(at, offset);
}
std::uint16_t pci_read16(PciAddress at, std::uint8_t offset) noexcept {
  return read<std::uint16_t>(at, offset);
}
std::uint8_t pci_read8(PciAddress at, std::uint8_t offset) noexcept {
  return read<std::uint8_t>(at, offset);
}
void pci_write32(PciAddress, std::uint8_t, std::uint32_t) noexcept {}
void pci_write16(PciAddress, std::uint8_t, std::uint16_t) noexcept {}
void for_each_pci(PciVisitor visit, void* context) noexcept { walk_pci(visit, context); }

bool connect_pin(unsigned) noexcept { return ++sim::Machine::current().interrupts, true; }
MsiMessage connect_msi() noexcept {
  ++sim::Machine::current().interrupts;
  return {0xfee00000, 0x41};
}

}  // namespace fata::bus
