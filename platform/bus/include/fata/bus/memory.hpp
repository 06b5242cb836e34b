// Memory and registers as devices and drivers share them. The processor defines map_device() and
// dma_address().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fata/base/danger.hpp"

namespace fata::bus {

struct Region {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
};

inline constexpr std::uint64_t kMaxDevice = 1 << 20;
inline constexpr std::uint64_t kNullZone = 0x10000;  // no pointer below is valid

// True if registers may be at this address: above the NULL zone, below `limit`, and in no page of
// `taken`. The host chooses the address; in RAM or in the image's address range, a register would
// alias our memory.
bool may_hold_device(std::uint64_t physical, std::uint64_t size, std::uint64_t limit,
                     std::span<const Region> taken);

// Maps the registers of a device (a virtio-mmio slot, a PCI BAR): one to one, and uncached.
// Idempotent. Returns their virtual address, or nullptr if no registers may be at `physical` or
// `size` is above kMaxDevice.
volatile void* map_device(std::uint64_t physical, std::size_t size);

// The address at which a device accesses `pointer` (heap, or inside the image).
std::uint64_t dma_address(const volatile void* pointer);

// Orders all earlier accesses to memory that a device shares before all later ones.
inline void memory_barrier() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#ifdef FATA_SIMULATED_REGISTERS
// A Linux process has no device behind its memory: the machine of platform/sim/bus stands in for
// every access to a register.
std::uint64_t read_register(const volatile void* at, std::size_t size) noexcept;
void write_register(volatile void* at, std::uint64_t value, std::size_t size) noexcept;
#endif

// Mapped registers: volatile, little endian (like this machine), of the width in the
// specification. On x86-64, a volatile access is ordered after earlier accesses to memory.
class Registers {
 public:
  Registers() = default;
  explicit Registers(volatile void* base) : base_(static_cast<volatile std::byte*>(base)) {}

  template <class T>
  T read(std::size_t offset) const {
#ifdef FATA_SIMULATED_REGISTERS
    return static_cast<T>(read_register(at<T>(offset), sizeof(T)));
#else
    return *at<T>(offset);
#endif
  }
  template <class T>
  void write(std::size_t offset, T value) const {
#ifdef FATA_SIMULATED_REGISTERS
    write_register(at<T>(offset), value, sizeof(T));
#else
    *at<T>(offset) = value;
#endif
  }
  // Writes two 32-bit halves, low first, as both transports of virtio require for 64-bit registers.
  void write_halves(std::size_t low, std::size_t high, std::uint64_t value) const {
    write<std::uint32_t>(low, static_cast<std::uint32_t>(value));
    write<std::uint32_t>(high, static_cast<std::uint32_t>(value >> 32));
  }

 private:
  template <class T>
  volatile T* at(std::size_t offset) const {
    return reinterpret_cast<volatile T*>(
        danger_advance(base_, static_cast<std::ptrdiff_t>(offset)));
  }
  volatile std::byte* base_ = nullptr;
};

}  // namespace fata::bus
