#include "clock.hpp"

#include <algorithm>
#include <utility>

#include "fata/arch/cpu.hpp"
#include "fata/arch/interrupts.hpp"
#include "fata/board/clock.hpp"
#include "fata/kvm/pv_clock.hpp"
#include "wall_clock.hpp"

namespace fata::kvm {
namespace {
using arch::CpuId;
using arch::cpuid;
using arch::read_tsc;
using board::sample_reference;
using board::start_reference;
}  // namespace

bool Clock::rate_from_host() {
  PvTime host;
  if (read_pv_time(host) && pv_rate(host) != 0) {
    clock_.set_rate(read_tsc(), pv_rate(host));
    return true;
  }
  const std::uint32_t highest = cpuid(0).a;
  if (highest >= 0x15) {
    const CpuId tsc = cpuid(0x15);
    if (tsc.a != 0 && tsc.b != 0 && tsc.c != 0) {
      clock_.set_rate(read_tsc(), std::uint64_t{tsc.c} * tsc.b / tsc.a);
      return true;
    }
  }
  if (highest >= 0x16 && (cpuid(0x16).a & 0xffff) != 0) {
    // The base frequency in MHz is close to the TSC's rate, and good enough to start with.
    clock_.set_rate(read_tsc(), std::uint64_t{cpuid(0x16).a & 0xffff} * 1'000'000);
  }
  return false;
}

void Clock::start(std::uint64_t entry_tsc) {
  clock_.start(entry_tsc, 2'000'000'000);
  has_deadline_ = arch::has_tsc_deadline();
  uses_reference_ = !rate_from_host();
  next_refine_ = ~std::uint64_t{0};
  if (uses_reference_) {
    start_reference();
    estimate_.start(sample_reference());
  }
  if (!has_deadline_) {
    armed_at_ = read_tsc();
    arch::start_timer(armed_ticks_ = ~std::uint32_t{0});
  }
}

void Clock::finish_start() {
  if (uses_reference_) {
    next_refine_ = 0;
    refine_in_passing();
    // If the reference does not advance, use the local APIC's timer, which KVM and QEMU run at
    // 1 GHz.
    if (estimate_.hz() == 0 && !has_deadline_) {
      const std::uint64_t ticks = ~std::uint32_t{0} - arch::timer_remaining();
      if (ticks > 1000)
        clock_.set_rate(read_tsc(), (read_tsc() - armed_at_) * 1'000'000'000 / ticks);
    }
  }
  if (!has_deadline_) timer_woke();
}

Instant Clock::now() const { return clock_.at(read_tsc()); }

void Clock::refine_in_passing() {
  if (read_tsc() < next_refine_) return;
  if (estimate_.refine(sample_reference())) clock_.set_rate(read_tsc(), estimate_.hz());
  // Without an estimate, try again soon: after about 50 microseconds.
  next_refine_ = estimate_.hz() == 0 ? read_tsc() + 100'000 : estimate_.next_useful();
  if (estimate_.is_settled()) next_refine_ = ~std::uint64_t{0};
}

void Clock::arm_timer(Instant deadline) {
  std::uint64_t until = clock_.tsc_at(deadline);
  if (next_refine_ != ~std::uint64_t{0} && estimate_.hz() != 0)
    until = std::min(until, estimate_.must_sample_by());
  // A host may compute in 64-bit nanoseconds and overflow if the deadline is hours away.
  if (has_deadline_)
    return arch::start_tsc_deadline(std::min(until, read_tsc() + 1000 * clock_.rate()));
  armed_at_ = read_tsc();
  std::uint64_t ticks = until > armed_at_ ? until - armed_at_ : 1;
  // While the timer's rate is uncertain, end the wait a little early and measure the rate with it.
  const bool unsure = timer_measured_ < clock_.rate();
  if (unsure && ticks > clock_.rate() / 100) ticks -= ticks / 32;
  const auto scaled = static_cast<unsigned __int128>(ticks) * timer_scale_ >> 32;
  armed_ticks_ = scaled > 0xffffffff
                     ? 0xffffffff
                     : std::max<std::uint32_t>(1, static_cast<std::uint32_t>(scaled));
  arch::start_timer(armed_ticks_);
}

void Clock::timer_woke() {
  if (has_deadline_ || armed_ticks_ == 0) return;
  const std::uint32_t ran = armed_ticks_ - arch::timer_remaining();
  const std::uint64_t elapsed = read_tsc() - armed_at_;
  armed_ticks_ = 0;
  if (elapsed <= timer_measured_ || ran == 0) return;
  timer_measured_ = elapsed;
  timer_scale_ = (std::uint64_t{ran} << 32) / elapsed;
}

WallTime Clock::wall() {
  if (wall_.is_due(now())) ask_wall();
  return wall_.at(now());
}

void Clock::ask_wall() {
  const Instant before = now();
  HostTime host = read_wall_clock();
  const Instant at = now();
  host.resolution += (at - before).ns;
  const Duration moved = wall_.correct(at, host);
  // Until the TSC's rate is precise, the clocks diverge by themselves.
  const bool unsure = uses_reference_ && !estimate_.is_settled();
  const Duration most = WallEstimate::kJump + (unsure ? (at - asked_at_) / 32 : Duration{});
  asked_at_ = at;
  if (moved > most || moved + most < Duration{}) jump_ = jump_ + moved;
  sharpening_ = wall_.is_sharpening(at);
}

bool Clock::has_jumped() {
  const std::uint64_t tsc = read_tsc();
  if (tsc >= next_compare_) {
    next_compare_ = tsc + clock_.rate() / 20;
    ask_wall();
  }
  return jump_.ns != 0;
}

void Clock::sharpen() {
  if (!sharpening_) return;
  const Instant at = now();
  if (wall_.is_due(at)) ask_wall();
  sharpening_ = wall_.is_sharpening(at);
}

void Clock::resume() {
  ask_wall();
  const Duration stood = std::exchange(jump_, {});
  if (stood > Duration{}) {
    clock_.step(stood);
    wall_.stepped(stood);
    asked_at_ = asked_at_ + stood;
  }
  timer_measured_ = 0;
  if (uses_reference_ && estimate_.hz() != 0) {
    estimate_.restart(sample_reference());
    next_refine_ = estimate_.next_useful();
  } else if (!uses_reference_) {
    (void)rate_from_host();
  }
}

}  // namespace fata::kvm
