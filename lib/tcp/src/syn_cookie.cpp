#include "fata/tcp/syn_cookie.hpp"

#include <algorithm>

#include "fata/tcp/segment.hpp"

namespace fata::tcp {
namespace {

// Common client values: Ethernet without and with IPv6, tunnels, DSL, jumbo frames.
constexpr std::array<std::uint16_t, 8> kMss{kMinCookieMss, 536, 1200, 1300, 1360, 1440, 1460, 8940};
constexpr std::uint8_t kNoScale = 0xff;
constexpr std::array<std::uint8_t, 8> kScale{kNoScale, 0, 2, 4, 6, 7, 8, 10};
constexpr std::uint32_t kNoScaleBits = 15;  // in a timestamp: the largest scale is 14
constexpr std::uint32_t kEcnBit = 16;
constexpr std::uint32_t kTimestampBits = 31;

// A cookie's low byte: 1 bit parity of the period, 3 bits MSS, 3 bits scale, 1 bit SACK.
constexpr unsigned kMssAt = 1, kScaleAt = 4, kSackAt = 7;

std::uint32_t period_of(Instant now) { return static_cast<std::uint32_t>(now.ns / 64'000'000'000); }

}  // namespace

std::uint32_t SynCookies::cookie(const Endpoint& local, const Endpoint& remote,
                                 std::uint32_t peer_isn, std::uint32_t period,
                                 std::uint32_t bits) const {
  const auto pair = pair_words(local, remote, peer_isn);
  std::array<std::uint64_t, 6> words{};
  std::ranges::copy(pair, words.begin());
  words[5] = std::uint64_t{period} << 32 | bits;
  const auto hash = static_cast<std::uint32_t>(siphash(secret_, words));
  // The hash's first byte masks the options, so that the number does not show them directly.
  return (hash & 0xffffff00) | (bits ^ hash >> 24);
}

std::uint32_t SynCookies::make(const Endpoint& local, const Endpoint& remote,
                               std::uint32_t peer_isn, const SynOptions& syn, Instant now) const {
  std::uint32_t mss = 0;
  while (mss + 1 < kMss.size() && kMss[mss + 1] <= syn.mss) ++mss;
  std::uint32_t scale = 0;
  if (syn.window_scale) {
    scale = 1;
    while (scale + 1 < kScale.size() && kScale[scale + 1] <= *syn.window_scale) ++scale;
  }
  const std::uint32_t period = period_of(now);
  return cookie(
      local, remote, peer_isn, period,
      (period & 1) | mss << kMssAt | scale << kScaleAt | std::uint32_t{syn.sack} << kSackAt);
}

std::uint32_t SynCookies::timestamp(std::uint32_t tsval, const SynOptions& syn) {
  const std::uint32_t scale =
      syn.window_scale ? std::min<std::uint32_t>(*syn.window_scale, 14) : kNoScaleBits;
  const std::uint32_t marked = (tsval & ~kTimestampBits) | scale | (syn.ecn ? kEcnBit : 0);
  // Never ahead of the clock: the next segment's timestamp must not be older.
  return static_cast<std::int32_t>(marked - tsval) > 0 ? marked - (kTimestampBits + 1) : marked;
}

std::optional<SynOptions> SynCookies::check(const Endpoint& local, const Endpoint& remote,
                                            std::uint32_t peer_isn, std::uint32_t number,
                                            std::optional<std::uint32_t> tsecr, Instant now) const {
  const std::uint32_t bits = (number & 0xff) ^ number >> 24;
  std::uint32_t period = period_of(now);
  if (((period ^ bits) & 1) != 0) --period;
  if (cookie(local, remote, peer_isn, period, bits) != number) return std::nullopt;

  SynOptions syn;
  syn.mss = kMss[bits >> kMssAt & 7];
  if (const std::uint8_t scale = kScale[bits >> kScaleAt & 7]; scale != kNoScale)
    syn.window_scale = scale;
  syn.sack = (bits >> kSackAt & 1) != 0;
  if (tsecr) {
    syn.timestamps = true;
    syn.ecn = (*tsecr & kEcnBit) != 0;
    const std::uint32_t scale = *tsecr & 15;
    syn.window_scale.reset();
    if (scale != kNoScaleBits) syn.window_scale = static_cast<std::uint8_t>(scale);
  }
  return syn;
}

}  // namespace fata::tcp
