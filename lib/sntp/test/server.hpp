// A time server as a value: replies are made field by field, so that each field can be made wrong.
#pragma once

#include <vector>

#include "fata/sntp/message.hpp"

namespace fata::sntp {

// 2026-01-01T00:00:00Z
inline constexpr WallTime kNewYear{1'767'225'600'000'000'000};

inline std::uint64_t to_timestamp(WallTime time) {
  const std::int64_t since_1900 = time.ns + 2'208'988'800 * std::int64_t{1'000'000'000};
  const auto second = static_cast<std::uint64_t>(since_1900) / 1'000'000'000;
  const auto rest = static_cast<std::uint64_t>(since_1900) % 1'000'000'000;
  return second << 32 | ((rest << 32) / 1'000'000'000 & 0xffffffff);
}

struct TimeServer {
  int leap = 0, version = 4, mode = 4, stratum = 2;
  int precision = -20;
  std::uint32_t root_delay = 0x100, root_dispersion = 0x100;  // 2^-16 s
  std::uint32_t reference_id = 0x0a000001;
  Duration lie{};  // what its clock is wrong by
  Duration reference_age = seconds(16);

  // `arrived` and `left` are UTC.
  std::vector<std::byte> answer(Bytes request, WallTime arrived, WallTime left) const {
    std::vector<std::byte> out(kMessageSize);
    ByteWriter to(out);
    to.u8(static_cast<std::uint8_t>(leap << 6 | version << 3 | mode));
    to.u8(static_cast<std::uint8_t>(stratum));
    to.u8(6);
    to.u8(static_cast<std::uint8_t>(precision));
    to.u32(root_delay);
    to.u32(root_dispersion);
    to.u32(reference_id);
    to.u64(to_timestamp({left.ns + lie.ns - reference_age.ns}));
    to.u64(load_be<std::uint64_t>(request.subspan(40)));
    to.u64(to_timestamp({arrived.ns + lie.ns}));
    to.u64(to_timestamp({left.ns + lie.ns}));
    return out;
  }
};

}  // namespace fata::sntp
