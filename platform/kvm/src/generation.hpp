// The machine's generation ID (VMGENID) of pc and q35, where they were given one: `-device
// vmgenid`.
#pragma once

#include <array>
#include <cstdint>

#include "fata/base/bytes.hpp"

namespace fata::kvm {

class GenerationId {
 public:
  // Looks for it in ACPI's tables.
  void find();
  bool exists() const { return place_ != nullptr; }
  // Whether it is another one than at the call before, or when it was found.
  bool changed();
  // As last seen; none if there is none.
  Bytes bytes() const { return exists() ? std::as_bytes(std::span(known_)) : Bytes(); }

 private:
  const volatile std::uint64_t* place_ = nullptr;
  std::array<std::uint64_t, 2> known_{};
};

}  // namespace fata::kvm
