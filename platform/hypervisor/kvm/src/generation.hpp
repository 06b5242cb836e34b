// The machine's generation ID (VMGENID) on pc and q35 with `-device vmgenid`.
#pragma once

#include <array>
#include <cstdint>

#include "fata/base/bytes.hpp"

namespace fata::kvm {

class GenerationId {
 public:
  // Searches the ACPI tables for the ID.
  void find();
  bool exists() const { return place_ != nullptr; }
  // True if the ID has changed since the previous call, or since find().
  bool changed();
  // The last known ID; empty if there is none.
  Bytes bytes() const { return exists() ? std::as_bytes(std::span(known_)) : Bytes(); }

 private:
  const volatile std::uint64_t* place_ = nullptr;
  std::array<std::uint64_t, 2> known_{};
};

}  // namespace fata::kvm
