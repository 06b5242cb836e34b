#include "fata/async/loop.hpp"

#include <algorithm>
#include <array>

#include "detached.hpp"
#include "fata/async/task.hpp"
#include "fata/base/platform.hpp"

namespace fata::async {

namespace {
// Bounds a turn, so that neither timers nor permanently busy tasks starve the devices.
constexpr std::size_t kTimersPerTurn = 256;

detail::HeldFrame run_main(Task<int> main, int* status) { *status = co_await std::move(main); }
}  // namespace

Loop::Loop() : now_(platform::monotonic_now()) {}

int Loop::run(Task<int> main) {
  int status = 0;
  const detail::HeldFrame runner = run_main(std::move(main), &status);
  Ready start;
  start.handle = runner.handle;
  make_ready(start);
  for (;;) {
    resume_ready();
    if (runner.handle.done()) break;
    look_around();
  }
  runner.handle.destroy();
  return status == 0 && failed_ ? 1 : status;
}

void Loop::look_around() {
  ++stats_.turns;
  platform::poll_devices();
  if (look_for_restore_ != nullptr) look_for_restore_(*this);
  if (on_stop_ != nullptr && platform::stop_requested()) on_stop_->cancel();
  now_ = platform::monotonic_now();
  const bool fired = timers_.fire(now_, kTimersPerTurn) != 0;
  if (!ready_.empty()) return;
  // Data that a timer passed to a device (a retransmission, for example) is sent now, not at the
  // next wake-up.
  if (fired && platform::poll_devices()) return;
  if (timers_.next() <= now_) return;
  ++stats_.idles;
  stats_.idle.ns -= now_.ns;
  platform::idle_until(timers_.next());
  now_ = platform::monotonic_now();
  stats_.idle.ns += now_.ns;
}

void Loop::on_restore(Renewal& renewal) {
  if (look_for_restore_ == nullptr) {
    look_for_restore_ = look_for_restore;
    generation_ = platform::generation();
  }
  renewals_.push_back(renewal);
}

void Loop::look_for_restore(Loop& loop) {
  const std::uint64_t generation = platform::generation();
  if (generation == loop.generation_) [[likely]]
    return;
  loop.generation_ = generation;
  loop.now_ = platform::monotonic_now();
  for (Renewal& each : loop.renewals_) {
    std::array<std::byte, 16> secret;
    platform::entropy(secret);
    each.renew(SipKey::of(secret));
  }
}

void Loop::resume_ready() {
  // Runs only the tasks that are ready now; tasks that these make ready run in the next turn, after
  // the devices are polled.
  List<Ready> batch;
  batch.splice_back(ready_);
  while (!batch.empty()) {
    batch.pop_front().handle.resume();
    ++stats_.resumed;
    const Instant after = platform::monotonic_now();
    stats_.longest_stretch = std::max(stats_.longest_stretch, after - now_);
    now_ = after;
  }
}

}  // namespace fata::async
