// Device registers: volatile, little endian (like this machine), of the width in the specification.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fata/base/danger.hpp"

namespace fata::virtio {

class Registers {
 public:
  Registers() = default;
  explicit Registers(volatile void* base) : base_(static_cast<volatile std::byte*>(base)) {}

  template <class T>
  T read(std::size_t offset) const {
    return *at<T>(offset);
  }
  template <class T>
  void write(std::size_t offset, T value) const {
    *at<T>(offset) = value;
  }
  // Writes two 32-bit halves, low first, as both transports require for 64-bit registers.
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

}  // namespace fata::virtio
