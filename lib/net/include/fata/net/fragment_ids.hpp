// Identifications of fragments that nobody can foresee and that do not repeat soon (RFC 7739 section 5.3).
#pragma once

#include <array>

#include "fata/base/address.hpp"
#include "fata/base/siphash.hpp"

namespace fata::net {

class FragmentIds {
 public:
  explicit FragmentIds(const SipKey& secret) : secret_(secret) {}
  std::uint32_t next(const IpAddress& destination) {
    const Bytes octets(destination.octets());
    const std::uint64_t offset =
        siphash(secret_, std::array<std::uint64_t, 3>{load_be<std::uint64_t>(octets),
                                                      load_be<std::uint64_t>(octets.subspan(8)), 0x6964});
    return static_cast<std::uint32_t>(offset) + counters_[offset >> 60]++;
  }

 private:
  SipKey secret_;
  std::array<std::uint32_t, 16> counters_{};
};

}  // namespace fata::net
