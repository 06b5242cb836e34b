#include "fata/virtio/block.hpp"

#include <algorithm>

#include "abi.hpp"
#include "fata/base/platform.hpp"
#include "fata/bus/memory.hpp"

namespace fata::virtio {

namespace {
constexpr std::uint16_t kQueue = 0;
constexpr std::string_view kProtocol = "broke the protocol";
constexpr std::string_view kNoAnswer = "does not answer";
}  // namespace

const ErrorDomain& error_domain(BlockSetupErrc) noexcept {
  static constexpr ErrorDomain domain{
      "virtio-blk", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<BlockSetupErrc>(code)) {
          case BlockSetupErrc::kNoDisk:
            return "this machine has too few disks; attach one more: fata run --disk FILE";
          case BlockSetupErrc::kNonsense:
            return "the device describes a disk that cannot be (its size, sectors or limits)";
        }
        return "unknown";
      }};
  return domain;
}

async::Task<Result<std::unique_ptr<BlockDevice>>> BlockDevice::connect(async::Context& context,
                                                                       unsigned nth) {
  return async::ready(open(context, nth));
}

Result<std::unique_ptr<BlockDevice>> BlockDevice::open(async::Context& context, unsigned nth) {
  Result<std::unique_ptr<Transport>> transport = claim_device(bus::DeviceKind::kDisk, nth);
  if (!transport) {
    if (transport.error().is(Errc::kNoDevice)) return fail(Error(BlockSetupErrc::kNoDisk));
    return fail(transport.error());
  }
  auto device = std::make_unique<BlockDevice>(context.logger("virtio-blk"), std::move(*transport));
  if (const Result<void> started = device->start(); !started) return fail(started.error());
  return device;
}

BlockDevice::BlockDevice(Logger log, std::unique_ptr<Transport> transport)
    : log_(log),
      transport_(std::move(transport)),
      counters_{Counter{"reads"}, Counter{"writes"}, Counter{"flushes"}, Counter{"discards"},
                Counter{"failures"}} {}

BlockDevice::~BlockDevice() {
  // Without a queue, the device has no address of our memory.
  queue_ == nullptr ? transport_->set_status(0) : stop(*transport_);
  bus::detach(*this);
}

Result<void> BlockDevice::start() {
  constexpr std::uint64_t kRequired = std::uint64_t{1} << VIRTIO_F_VERSION_1;
  constexpr std::uint64_t kEventIndex = std::uint64_t{1} << VIRTIO_RING_F_EVENT_IDX;
  const auto features =
      negotiate(*transport_, kRequired, BlockLimits::wanted_features() | kEventIndex);
  if (!features) return fail(features.error());
  auto queue = start_queue(*transport_, kQueue, kRing, (*features & kEventIndex) != 0);
  if (!queue) return fail(queue.error());
  queue_ = std::move(*queue);
  std::array<std::byte, BlockLimits::kConfigSize> config;
  for (std::size_t i = 0; i < config.size(); ++i)
    config[i] = static_cast<std::byte>(transport_->config8(i));
  [[clang::uninitialized]] const auto limits =
      BlockLimits::parse(*features, config, (*queue_)->size());
  if (!limits) return fail(Error(BlockSetupErrc::kNonsense));
  limits_ = *limits;
  const std::uint32_t parallel = limits_.geometry.parallel;
  memory_ = AlignedBuffer(BlockRequests::bytes_needed(parallel), 64);
  const MutableBytes memory = memory_.bytes();
  requests_ =
      std::make_unique<BlockRequests>(**queue_, memory, bus::dma_address(memory.data()), limits_);
  flights_.resize(parallel);
  for (std::uint32_t i = 0; i < parallel; ++i) slots_.release();
  drive(*transport_);
  bus::attach(*this);
  const sig::BlockGeometry& geometry = limits_.geometry;
  log_.info(geometry.sectors, " sectors of ", geometry.sector_size, " bytes",
            geometry.writable ? "" : ", read-only", geometry.discards ? ", discards" : "", ", ",
            limits_.flush
                ? "cached"
                : "no flush: every write is taken to be stable when it ends (write-through)",
            ", up to ", parallel, " requests of ", limits_.max_bytes(), " bytes");
  return {};
}

async::Task<Result<void>> BlockDevice::read(std::uint64_t sector, MutableBytes in,
                                            async::Wait wait) {
  if (const Result<void> fits = sig::check_read(limits_.geometry, sector, in); !fits || in.empty())
    return async::ready(fits);
  return perform(
      {Kind::kRead, sector, in.size() / limits_.geometry.sector_size, bus::dma_address(in.data())},
      wait);
}

async::Task<Result<void>> BlockDevice::write(std::uint64_t sector, Bytes out, async::Wait wait) {
  if (const Result<void> fits = sig::check_write(limits_.geometry, sector, out);
      !fits || out.empty())
    return async::ready(fits);
  return perform({Kind::kWrite, sector, out.size() / limits_.geometry.sector_size,
                  bus::dma_address(out.data())},
                 wait);
}

async::Task<Result<void>> BlockDevice::discard(std::uint64_t sector, std::uint64_t count,
                                               async::Wait wait) {
  if (const Result<void> fits = sig::check_discard(limits_.geometry, sector, count);
      !fits || count == 0)
    return async::ready(fits);
  return perform({Kind::kDiscard, sector, count}, wait);
}

// Flushes run one at a time, because a host may report lost data only once, to the first caller.
async::Task<Result<void>> BlockDevice::flush(async::Wait wait) {
  if (const auto taken = co_await flushing_.acquire(wait); !taken)
    co_return fail(Error(taken.error()));
  const async::Semaphore::Hold hold(flushing_);
  if (flush_failed_) co_return fail(Error(sig::BlockErrc::kFlushFailed));
  if (broken_) co_return fail(Error(sig::BlockErrc::kGone));
  if (!limits_.flush) co_return Result<void>{};
  const Result<void> outcome = co_await perform({.kind = Kind::kFlush}, wait);
  if (!outcome && outcome.error().is(sig::BlockErrc::kFlushFailed)) flush_failed_ = true;
  co_return outcome;
}

// An operation longer than the maximum request is split into several requests, one after the other.
async::Task<Result<void>> BlockDevice::perform(Operation operation, async::Wait wait) {
  if (const auto taken = co_await slots_.acquire(wait); !taken)
    co_return fail(Error(taken.error()));
  Flight flight(this);
  ++counters_[static_cast<std::size_t>(operation.kind)];
  const std::uint32_t most = operation.kind == Kind::kDiscard
                                 ? limits_.discard_sectors
                                 : limits_.max_bytes() / limits_.geometry.sector_size;
  do {
    const std::uint64_t sectors = std::min<std::uint64_t>(operation.sectors, most);
    if (const Result<void> begun = begin(&flight, operation, sectors); !begun) co_return begun;
    for (int waited = 0; flight.under_way;) {
      if (!co_await flight.ended.wait(async::Wait::at_most(kTimeout)) && ++waited == kMaxTimeouts)
        break_down(kNoAnswer);
    }
    if (!flight.outcome) {
      ++counters_[kFailures];
      co_return flight.outcome;
    }
    operation.sector += sectors;
    operation.sectors -= sectors;
    operation.address += sectors * limits_.geometry.sector_size;
  } while (operation.sectors != 0);
  co_return Result<void>{};
}

Result<void> BlockDevice::begin(Flight* flight, const Operation& operation, std::uint64_t sectors) {
  if (broken_) return fail(Error(sig::BlockErrc::kGone));
  const bool moves = operation.kind == Kind::kRead || operation.kind == Kind::kWrite;
  const auto length =
      static_cast<std::uint32_t>(moves ? sectors * limits_.geometry.sector_size : 0);
  const auto place = requests_->begin(operation.kind, operation.sector,
                                      {operation.address, length, false}, sectors);
  if (!place) {  // the queue broke and poll() has not noticed yet
    break_down(kProtocol);
    return fail(Error(sig::BlockErrc::kGone));
  }
  flight->under_way = true;
  flights_[*place] = flight;
  return {};
}

void BlockDevice::end(Flight& flight, const Result<void>& outcome) {
  flight.outcome = outcome;
  flight.under_way = false;
  flight.ended.notify_all();
}

// Waits for the request, because the device may still write to the buffer of a task that is being
// destroyed.
void BlockDevice::leave(Flight& flight) noexcept {
  const Instant until = platform::monotonic_now() + kTimeoutAtDeath;
  while (flight.under_way && platform::monotonic_now() < until) poll();
  if (flight.under_way) break_down(kNoAnswer);
  slots_.release();
}

bool BlockDevice::poll() noexcept {
  if (broken_) return false;
  if ((*queue_)->publish()) transport_->notify(kQueue);
  bool any = false;
  while (const auto ended = requests_->next()) {
    end(*std::exchange(flights_[ended->place], nullptr), ended->outcome);
    any = true;
  }
  if ((*queue_)->broken()) break_down(kProtocol);
  return any || broken_;
}

bool BlockDevice::prepare_to_idle() noexcept {
  if (broken_) return true;
  transport_->acknowledge();
  return requests_->under_way() == 0 || (*queue_)->enable_interrupts();
}

void BlockDevice::break_down(std::string_view why) {
  if (broken_) return;
  broken_ = true;
  // After the reset, the device must no longer access our memory.
  stop(*transport_);
  log_.error("the disk ", why, "; it is reset, and nothing more is read or written");
  for (Flight*& flight : flights_) {
    if (flight != nullptr) end(*std::exchange(flight, nullptr), fail(Error(sig::BlockErrc::kGone)));
  }
}

}  // namespace fata::virtio
