#include "fata/kvm/tsc_clock.hpp"

#include <algorithm>

namespace fata::kvm {

void TscClock::start(std::uint64_t tsc, std::uint64_t hz) {
  base_tsc_ = tsc;
  base_ns_ = 0;
  set_rate(tsc, hz);
}

void TscClock::set_rate(std::uint64_t tsc, std::uint64_t hz) {
  base_ns_ = at(tsc).ns;
  base_tsc_ = tsc;
  hz_ = std::max<std::uint64_t>(hz, 1'000'000);
  scale_ = static_cast<std::uint64_t>((static_cast<unsigned __int128>(1'000'000'000) << 32) / hz_);
}

std::uint64_t TscClock::tsc_at(Instant instant) const {
  if (instant.ns <= base_ns_) return base_tsc_;
  const auto ns = static_cast<unsigned __int128>(instant.ns - base_ns_);
  const unsigned __int128 ticks = (ns << 32) / scale_ + 1;
  const std::uint64_t room = ~base_tsc_;
  return ticks > room ? ~std::uint64_t{0} : base_tsc_ + static_cast<std::uint64_t>(ticks);
}

bool RateEstimate::refine(const Sample& sample) {
  constexpr std::uint64_t kWrap = 65536;
  const std::uint64_t elapsed = middle(sample) - middle(first_);
  const std::uint64_t blur = (sample.after - sample.before) + (first_.after - first_.before);
  // Without an estimate the first stretch must lie within one wrap, which the start-up of an image does.
  if (hz_ != 0 && blur > elapsed / 64) {
    next_useful_ = sample.after + elapsed / 4;
    return false;
  }
  std::uint64_t ticks = static_cast<std::uint16_t>(sample.ticks - first_.ticks);
  if (hz_ != 0) {
    const auto expected =
        static_cast<std::uint64_t>(static_cast<unsigned __int128>(elapsed) * kReferenceHz / hz_);
    if (expected > ticks) ticks += (expected - ticks + kWrap / 2) / kWrap * kWrap;
  }
  if (ticks < 16 || elapsed == 0) return false;
  hz_ = static_cast<std::uint64_t>(static_cast<unsigned __int128>(elapsed) * kReferenceHz / ticks);
  next_useful_ = sample.after + 3 * elapsed;
  must_by_ = sample.after + 64 * elapsed;
  settled_ = elapsed / hz_ >= 60;
  return true;
}

}  // namespace fata::kvm
