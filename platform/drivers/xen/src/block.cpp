#include "fata/xen/block.hpp"

#include "fata/base/platform.hpp"

namespace fata::xen {

async::Task<Result<void>> BlockDevice::read(std::uint64_t sector, MutableBytes in,
                                            async::Wait wait) {
  if (const Result<void> fits = sig::check_read(limits_.geometry, sector, in); !fits || in.empty())
    return async::ready(fits);
  return perform({.kind = Kind::kRead,
                  .sector = sector,
                  .sectors = in.size() / limits_.geometry.sector_size,
                  .in = in},
                 wait);
}

async::Task<Result<void>> BlockDevice::write(std::uint64_t sector, Bytes out, async::Wait wait) {
  if (const Result<void> fits = sig::check_write(limits_.geometry, sector, out);
      !fits || out.empty())
    return async::ready(fits);
  return perform({.kind = Kind::kWrite,
                  .sector = sector,
                  .sectors = out.size() / limits_.geometry.sector_size,
                  .out = out},
                 wait);
}

async::Task<Result<void>> BlockDevice::discard(std::uint64_t sector, std::uint64_t count,
                                               async::Wait wait) {
  if (const Result<void> fits = sig::check_discard(limits_.geometry, sector, count); !fits)
    return async::ready(fits);
  const auto [first, sectors] = limits_.extents(sector, count);
  if (sectors == 0) return async::ready(Result<void>{});
  return perform({.kind = Kind::kDiscard, .sector = first, .sectors = sectors}, wait);
}

// Flushes run one at a time, because a host may report lost data only once, to the first caller.
async::Task<Result<void>> BlockDevice::flush(async::Wait wait) {
  if (const auto taken = co_await flushing_.acquire(wait); !taken)
    co_return fail(Error(taken.error()));
  const async::Semaphore::Hold hold(flushing_);
  if (flush_failed_) co_return fail(Error(sig::BlockErrc::kFlushFailed));
  if (bus_.is_given_up()) co_return fail(Error(sig::BlockErrc::kGone));
  if (limits_.flush == BlockLimits::Flush::kNone) co_return Result<void>{};
  const Result<void> outcome = co_await perform({.kind = Kind::kFlush}, wait);
  if (!outcome && outcome.error().is(sig::BlockErrc::kFlushFailed)) flush_failed_ = true;
  co_return outcome;
}

// An operation that does not fit in a request is split into several requests, one after the other.
async::Task<Result<void>> BlockDevice::perform(BlockQueue::Request request, async::Wait wait) {
  if (const auto taken = co_await slots_.acquire(wait); !taken)
    co_return fail(Error(taken.error()));
  Flight flight(this);
  ++counters_[static_cast<std::size_t>(request.kind)];
  do {
    // While the backend is missing, wait until look_after() reconnects or gives up.
    while (!bus_.is_given_up() && !queue_.started()) (void)co_await connected_.wait({});
    if (bus_.is_given_up()) co_return fail(Error(sig::BlockErrc::kGone));
    const BlockQueue::Request before = request;
    begin(flight, request);
    for (int waited = 0; flight.state == State::kUnderWay;) {
      if (!co_await flight.ended.wait(async::Wait::at_most(kTimeout)) && ++waited == kMaxTimeouts)
        break_down("does not answer");
    }
    if (flight.state == State::kLost) {
      request = before;
      continue;
    }
    if (!flight.outcome) {
      ++counters_[kFailures];
      co_return flight.outcome;
    }
  } while (request.sectors != 0 || flight.state == State::kLost);
  co_return Result<void>{};
}

// Begins as much of the request as fits, and leaves the rest in `request`.
void BlockDevice::begin(Flight& flight, BlockQueue::Request& request) {
  const auto [place, sectors] = queue_.begin(request);
  const auto bytes = static_cast<std::size_t>(sectors * limits_.geometry.sector_size);
  flight.place = place;
  flight.state = State::kUnderWay;
  flights_[place] = &flight;
  request.sector += sectors;
  request.sectors -= sectors;
  if (request.kind == Kind::kRead) request.in = request.in.subspan(bytes);
  if (request.kind == Kind::kWrite) request.out = request.out.subspan(bytes);
}

// Polls without the loop: no task runs meanwhile.
template <class Busy>
void BlockDevice::work_while(Busy busy, Duration timeout) noexcept {
  const Instant until = platform::monotonic_now() + timeout;
  while (busy() && platform::monotonic_now() < until) {
    poll();
    if (busy() && queue_.ask()) wait_a_moment(port_);
  }
}

// Waits until a request that was passed to the backend has ended, before its task is destroyed. The
// buffer does not require this, because the backend accesses only pages of the queue.
void BlockDevice::leave_flight(Flight& flight) noexcept {
  work_while([&] { return flight.state == State::kUnderWay; }, kTimeoutAtDeath);
  if (flight.state == State::kUnderWay) {
    queue_.abandon(flight.place);
    flights_[flight.place] = nullptr;  // its slot is released when it has ended
    return;
  }
  slots_.release();
}

void BlockDevice::reap() {
  while (const auto ended = queue_.next()) {
    Flight* const flight = std::exchange(flights_[ended->place], nullptr);
    if (flight == nullptr) {
      slots_.release();
      continue;
    }
    flight->outcome = ended->outcome;
    flight->state = State::kIdle;
    flight->ended.notify_all();
  }
}

// After a migration, this host's backend may still exist when the new backend works. An unfinished
// write of the old backend could then undo a later write.
void BlockDevice::suspend() noexcept {
  work_while([&] { return queue_.started() && queue_.under_way() != 0; }, kTimeoutAtSuspension);
}

bool BlockDevice::poll() noexcept {
  if (!queue_.started()) return false;
  take_event(port_);
  if (queue_.publish()) notify(port_);
  const bool any = queue_.has_ended();
  reap();
  if (queue_.broken()) break_down("broke the protocol");
  return any;
}

bool BlockDevice::prepare_to_idle() noexcept {
  return !queue_.started() || queue_.under_way() == 0 || queue_.ask();
}

}  // namespace fata::xen
