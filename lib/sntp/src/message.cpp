#include "fata/sntp/message.hpp"

#include <algorithm>

namespace fata::sntp {

namespace {
constexpr std::uint8_t kVersion = 4, kClientMode = 3, kServerMode = 4;
// From 1900 to 1970.
constexpr std::int64_t kUnixEpoch = 2'208'988'800;

// A number in units of 2^-16 s.
Duration from_short(std::uint32_t value) {
  return nanoseconds(static_cast<std::int64_t>(std::uint64_t{value} * 1'000'000'000 >> 16));
}
// 2^exponent s; at most a second, at least a nanosecond.
Duration from_exponent(std::uint8_t exponent) {
  const int shift = std::clamp(-static_cast<int>(static_cast<std::int8_t>(exponent)), 0, 29);
  return seconds(1) / (std::int64_t{1} << shift);
}
}  // namespace

WallTime from_timestamp(std::uint64_t timestamp) {
  auto seconds = static_cast<std::int64_t>(timestamp >> 32);
  if (seconds >> 31 == 0) seconds += std::int64_t{1} << 32;  // era 1, from 2036
  const std::uint64_t fraction = (timestamp & 0xffffffff) * 1'000'000'000 >> 32;
  return {(seconds - kUnixEpoch) * 1'000'000'000 + static_cast<std::int64_t>(fraction)};
}

bool Reply::parse(Bytes message, Reply& out) {
  ByteReader in(message);
  const std::uint8_t first = in.u8();
  out.leap = first >> 6;
  out.stratum = in.u8();
  in.skip(1);  // the poll interval
  out.precision = from_exponent(in.u8());
  out.root_delay = from_short(in.u32());
  out.root_dispersion = from_short(in.u32());
  out.reference_id = in.u32();
  const std::uint64_t reference = in.u64();
  out.origin = in.u64();
  const std::uint64_t received = in.u64(), transmitted = in.u64();
  out.reference = from_timestamp(reference);
  out.received = from_timestamp(received);
  out.transmitted = from_timestamp(transmitted);
  out.unset = reference == 0 || received == 0 || transmitted == 0;
  return in.ok() && (first & 0x3f) == (kVersion << 3 | kServerMode);
}

void write_request(std::uint64_t cookie, std::span<std::byte, kMessageSize> message) {
  ByteWriter out(message);
  out.u8(kVersion << 3 | kClientMode);
  out.zeros(kMessageSize - 9);
  out.u64(cookie);
}

}  // namespace fata::sntp
