#include "fata/kernel/tsc_clock.hpp"

#include <algorithm>

namespace fata::kernel {

void TscClock::start(std::uint64_t tsc, std::uint64_t hz) {
  base_tsc_ = tsc;
  base_ns_ = 0;
  set_rate(tsc, hz);
}

void TscClock::set_rate(std::uint64_t tsc, std::uint64_t hz) {
  base_ns_ = at(tsc).ns;
  base_tsc_ = tsc;
  // The rate may come from the host: values outside these bounds are invalid, and the scale would
  // be zero.
  hz_ = std::clamp<std::uint64_t>(hz, 1'000'000, 1'000'000'000'000);
  scale_ = (std::uint64_t{1'000'000'000} << 32) / hz_;
}

std::uint64_t TscClock::tsc_at(Instant instant) const {
  if (instant.ns <= base_ns_) return base_tsc_;
  // Compute (ns << 32) / scale bit by bit, because a 128-bit division would add a library function
  // of 300 bytes to every image.
  const auto ns = static_cast<std::uint64_t>(instant.ns - base_ns_);
  std::uint64_t ticks = ns / scale_;
  std::uint64_t rest = ns % scale_;
  const std::uint64_t room = ~base_tsc_;
  if (ticks >= room >> 32) return ~std::uint64_t{0};
  for (int i = 0; i < 32; ++i) {
    rest <<= 1;
    ticks = ticks << 1 | (rest >= scale_ ? 1 : 0);
    if (rest >= scale_) rest -= scale_;
  }
  return base_tsc_ + ticks + 1;
}

namespace {
// value * times / by; (by - 1) * times must fit in 64 bits.
std::uint64_t scaled(std::uint64_t value, std::uint64_t times, std::uint64_t by) {
  return value / by * times + value % by * times / by;
}
}  // namespace

void RateEstimate::restart(const Sample& sample) {
  first_ = sample;
  settled_ = false;
  next_useful_ = sample.after + hz_ / 200;
  must_by_ = sample.after + hz_ / 100;  // less than the duration of a wrap, even at twice the rate
}

bool RateEstimate::refine(const Sample& sample) {
  constexpr std::uint64_t kWrap = 65536;
  const std::uint64_t elapsed = middle(sample) - middle(first_);
  const std::uint64_t blur = (sample.after - sample.before) + (first_.after - first_.before);
  // Without an estimate, the first interval must be within one wrap, as an image's startup is.
  if (hz_ != 0 && blur > elapsed / 64) {
    next_useful_ = sample.after + elapsed / 4;
    return false;
  }
  std::uint64_t ticks = static_cast<std::uint16_t>(sample.ticks - first_.ticks);
  if (hz_ != 0) {
    const std::uint64_t expected = scaled(elapsed, kReferenceHz, hz_);
    if (expected > ticks) ticks += (expected - ticks + kWrap / 2) / kWrap * kWrap;
  }
  if (ticks < 16 || elapsed == 0) return false;
  hz_ = scaled(elapsed, kReferenceHz, ticks);
  next_useful_ = sample.after + 3 * elapsed;
  must_by_ = sample.after + 64 * elapsed;
  settled_ = elapsed / hz_ >= 60;
  return true;
}

}  // namespace fata::kernel
