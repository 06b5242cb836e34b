// Setup, shutdown and reconnection of a disk. Built for size, unlike the code that moves data.
#include <xen/io/protocols.h>

#include "fata/base/platform.hpp"
#include "fata/xen/block.hpp"

namespace fata::xen {
namespace {

BlockQueue::Sizes sizes(bool roomy) {
  if (roomy) return {};
  return {.places = 8, .pages = 32, .segments = BlockRequest::kMaxSegments};
}

constexpr std::string_view flush_of(BlockLimits::Flush flush) {
  switch (flush) {
    case BlockLimits::Flush::kCache:
      return "cached";
    case BlockLimits::Flush::kBarrier:
      return "cached, flushed by barriers";
    case BlockLimits::Flush::kNone:
      break;
  }
  return "no flush: every write is taken to be stable when it ends (write-through)";
}

}  // namespace

const ErrorDomain& error_domain(BlockSetupErrc) noexcept {
  static constexpr ErrorDomain domain{
      "xen-blk", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<BlockSetupErrc>(code)) {
          case BlockSetupErrc::kNoDisk:
            return "this domain has too few disks; attach one more: disk = [...] of its "
                   "configuration, or "
                   "fata run "
                   "--disk FILE";
          case BlockSetupErrc::kNonsense:
            return "the backend describes a disk that cannot be (its size or its sectors)";
        }
        return "unknown";
      }};
  return domain;
}

async::Task<Result<std::unique_ptr<BlockDevice>>> BlockDevice::connect(async::Context& context,
                                                                       unsigned nth) {
  return open(context.logger("xen-blk"), context.memory >= kRoomy, nth, context.stop);
}

async::Task<Result<std::unique_ptr<BlockDevice>>> BlockDevice::open(Logger log, bool roomy,
                                                                    unsigned nth,
                                                                    async::CancelToken stop) {
  const async::Wait wait = async::Wait::at_most(kTimeoutAtStart, stop);
  Result<Frontend> frontend = co_await Frontend::claim(&store(), bus::DeviceKind::kDisk, nth, wait);
  if (!frontend && frontend.error().is(Errc::kNoDevice))
    co_return fail(Error(BlockSetupErrc::kNoDisk));
  if (!frontend) co_return fail(frontend.error());
  auto device = std::make_unique<BlockDevice>(log, std::move(*frontend), roomy);
  const Result<void> started = co_await device->start(wait);
  if (!started) co_return fail(started.error());
  co_return device;
}

BlockDevice::BlockDevice(Logger log, Frontend frontend, bool roomy)
    : log_(log),
      frontend_(std::move(frontend)),
      queue_(grants(), frame_of, sizes(roomy)),
      counters_{Counter{"reads"}, Counter{"writes"}, Counter{"flushes"}, Counter{"discards"},
                Counter{"failures"}} {
  flights_.resize(queue_.places());
  bus::attach(*this);
}

BlockDevice::~BlockDevice() {
  leave(false);
  bus::detach(*this);
}

async::Task<Result<void>> BlockDevice::start(async::Wait wait) {
  for (;;) {
    const Result<void> joined = co_await join(wait);
    if (joined) break;
    if (!bus_.is_lost()) co_return joined;
    // The domain was suspended meanwhile, possibly for longer than the deadline.
    wait = async::Wait::at_most(kTimeoutAtStart, wait.token);
    if (const Result<void> located = co_await frontend_.locate(wait); !located) co_return located;
  }
  for (std::size_t i = 0; i < queue_.places(); ++i) slots_.release();
  const sig::BlockGeometry& geometry = limits_.geometry;
  log_.info(geometry.sectors, " sectors of ", geometry.sector_size, " bytes",
            geometry.writable ? "" : ", read-only", geometry.discards ? ", discards" : "", ", ",
            flush_of(limits_.flush), ", up to ", geometry.parallel, " requests of ",
            queue_.max_bytes(), " bytes, backend ", frontend_.backend());
  keeper_.emplace(look_after(this));
  co_return Result<void>{};
}

async::Task<BlockOffer> BlockDevice::read_offer(async::Wait wait) {
  BlockOffer offer;
  const std::pair<const char*, std::uint64_t*> nodes[] = {
      {"sectors", &offer.sectors},
      {"sector-size", &offer.sector_size},
      {"physical-sector-size", &offer.physical_sector_size},
      {"info", &offer.info},
      {"feature-flush-cache", &offer.flush_cache},
      {"feature-barrier", &offer.barrier},
      {"feature-discard", &offer.discard},
      {"discard-granularity", &offer.discard_granularity},
      {"discard-alignment", &offer.discard_alignment},
      {"feature-max-indirect-segments", &offer.indirect_segments}};
  for (const auto& [name, value] : nodes) *value = co_await frontend_.backend_number(name, 0, wait);
  co_return offer;
}

// Follows the state diagram of xen/io/blkif.h: the backend describes the disk only after it has our
// ring.
async::Task<Result<void>> BlockDevice::join(async::Wait wait) {
  bus_.join();
  watch_.emplace(frontend_.store(), frontend_.backend_path() + "/state");
  const Result<void> waits =
      co_await frontend_.follow(&bus_, &*watch_, XenbusEngine::Next::kOffer, wait);
  if (!waits) co_return waits;
  const auto handle =
      static_cast<std::uint16_t>(co_await frontend_.number("virtual-device", 0, wait));
  if (!bus_.is_joining()) co_return fail(Error(Errc::kBackend));
  const Result<Port> port = open_port(frontend_.backend());
  if (!port) co_return fail(port.error());
  if (!queue_.connect(frontend_.backend(), handle)) {
    close_port(*port);
    co_return fail(Error(Errc::kNoGrants));
  }
  port_ = *port;
  std::vector<Frontend::Node> nodes{{"ring-ref", store_text(queue_.ring())},
                                    {"event-channel", store_text(port_)},
                                    {"protocol", XEN_IO_PROTO_ABI_NATIVE},
                                    {"feature-persistent", "1"}};
  Result<void> going = co_await frontend_.publish(std::move(nodes), BusState::kInitialised, wait);
  if (going) bus_.offered();
  if (going) going = co_await frontend_.follow(&bus_, &*watch_, XenbusEngine::Next::kFinish, wait);
  std::optional<BlockLimits> limits;
  if (going) {
    limits = BlockLimits::parse(co_await read_offer(wait));
    if (!limits) going = fail(Error(BlockSetupErrc::kNonsense));
  }
  if (going) going = co_await frontend_.set_state(BusState::kConnected, wait);
  if (going && !bus_.is_joining()) going = fail(Error(Errc::kBackend));
  if (!going) {
    leave(false);
    co_return going;
  }
  limits->geometry.parallel = static_cast<std::uint32_t>(queue_.places());
  if (keeper_ && limits->geometry != limits_.geometry) {
    break_down("came back as another one");
    co_return fail(Error(sig::BlockErrc::kGone));
  }
  limits_ = *limits;
  bus_.connected();
  queue_.start(limits_);
  connected_.notify_all();
  co_return Result<void>{};
}

// The timeout of look_after(): a missing reply must not block it, because readers wait for it.
async::Wait BlockDevice::soon() { return async::Wait::at_most(kTimeout); }

async::Task<bool> BlockDevice::is_detached() {
  const Result<std::string> there = co_await frontend_.text("backend", soon());
  if (!there && there.error().is(Errc::kNotFound)) co_return true;
  co_return co_await frontend_.backend_number("online", 1, soon()) == 0;
}

// Closes the connection when the backend closes it, and reconnects when the backend waits for us.
async::Task<void> BlockDevice::look_after(BlockDevice* self) {
  Instant seen = platform::monotonic_now();  // the last time with a backend, or of a resume
  XenbusEngine& bus = self->bus_;
  while (!bus.is_given_up()) {
    if (self->queue_.connected()) {
      if (!bus.is_lost() && !co_await self->watch_->next()) co_return;
      seen = platform::monotonic_now();
    } else if (!bus.is_lost()) {
      (void)co_await self->watch_->next(async::Wait::at_most(kTimeout));
      if (platform::monotonic_now() - seen > kTimeout * kMaxTimeouts)
        self->break_down("has no backend any more");
    }
    if (bus.is_given_up()) co_return;
    if (bus.is_lost()) {
      seen = platform::monotonic_now();
      // On the new host, another backend waits, or the same backend at another path.
      if (!co_await self->frontend_.locate(soon())) {
        co_await async::sleep(milliseconds(50));
        continue;
      }
    } else if (!co_await self->backend_waits()) {
      continue;
    }
    if (co_await self->join(soon())) {
      self->log_.info("connected again, ", std::exchange(self->lost_requests_, 0),
                      " requests asked for again");
    } else {
      bus.part();
      co_await async::sleep(milliseconds(50));
    }
  }
}

// Handles a change of the backend's state; true if the backend waits for us to connect.
async::Task<bool> BlockDevice::backend_waits() {
  const BusState seen = co_await frontend_.backend_state(soon());
  const bool exists = seen != BusState::kUnknown || co_await frontend_.backend_exists(soon());
  const XenbusEngine::Step step = bus_.backend(seen, exists);
  if (step.leave) {
    log_.warning("the backend goes away");
    leave(false);
  }
  if (step.write == BusState::kClosed) (void)co_await frontend_.set_state(*step.write, soon());
  if (step.over && co_await is_detached()) {
    break_down("was detached");
  } else if (step.write == BusState::kInitialising) {
    // The backend is closed but not detached, and starts again on request. Linux's backend closes
    // like this after an error of its own requests.
    (void)co_await frontend_.set_state(*step.write, soon());
  }
  co_return step.next == XenbusEngine::Next::kJoin;
}

// The waiting tasks repeat requests in flight once there is a backend again.
void BlockDevice::leave(bool forget) {
  if (!queue_.connected()) return;
  bus_.part();
  // Close the channel first. From then on, the backend receives no events from us.
  if (!forget) close_port(port_);
  std::vector<bool> taken(flights_.size());
  for (std::size_t i = 0; i < flights_.size(); ++i)
    taken[i] = queue_.is_under_way(static_cast<std::uint16_t>(i));
  queue_.disconnect(forget);
  for (std::size_t i = 0; i < flights_.size(); ++i) {
    if (!taken[i]) continue;
    Flight* const flight = std::exchange(flights_[i], nullptr);
    if (flight == nullptr) {
      slots_.release();
      continue;
    }
    ++lost_requests_;
    flight->state = State::kLost;
    flight->ended.notify_all();
  }
}

void BlockDevice::resume() noexcept {
  bus_.resumed();
  leave(true);
  // The store's resume() registered the watch again, which reports a change at once.
}

void BlockDevice::break_down(std::string_view why) {
  if (!bus_.give_up()) return;
  log_.error("the disk ", why, "; nothing more is read or written");
  if (queue_.connected()) {
    frontend_.store().write_and_forget(frontend_.path() + "/state",
                                       store_text(static_cast<unsigned>(BusState::kClosed)));
  }
  leave(false);
  connected_.notify_all();
}

}  // namespace fata::xen
