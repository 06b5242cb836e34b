#include "fata/linux/block_file.hpp"

#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>

#include "block_file_ring.hpp"
#include "block_thread.hpp"
#include "fata/base/panic.hpp"

namespace fata::linux {

namespace {
// The kernel may end a call early, at a page boundary. An operation fails after this many calls
// that complete no sector.
constexpr int kMaxIdleCalls = 8;
}  // namespace

BlockFile::BlockFile(Fd fd, std::unique_ptr<Ring> ring, std::unique_ptr<BlockThread> thread,
                     const sig::BlockGeometry& geometry, Logger log)
    : fd_(std::move(fd)),
      geometry_(geometry),
      log_(log),
      ring_(std::move(ring)),
      thread_(std::move(thread)),
      counters_{Counter{"reads"},       Counter{"writes"},   Counter{"flushes"},
                Counter{"discards"},    Counter{"failures"}, Counter{"continued"},
                Counter{"system_calls"}} {
  geometry_.parallel = kParallel;
  for (std::size_t i = kParallel; i != 0; --i) free_slots_.push_back(i - 1);
  if (!thread_) start_ring();
  check(watch_.start(ring_->ended.get()).has_value(), "epoll refuses an eventfd");
  reactor().add(*this);
}

void BlockFile::start_ring() {
  int descriptor = fd_.get();
  check(io_uring_register_files(&ring_->uring, &descriptor, 1) == 0, "io_uring refuses a file");
  // A completion must end the loop's idle wait. This needs an eventfd: with
  // IORING_SETUP_DEFER_TASKRUN, the ring's own descriptor does not become readable for deferred
  // completions.
  check(io_uring_register_eventfd(&ring_->uring, ring_->ended.get()) == 0,
        "io_uring refuses an eventfd");
  ring_->start({IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_FALLOCATE});
}

BlockFile::~BlockFile() {
  Text<200> text;
  write_counters(text, counters_);
  log_.debug(text.view());
}

SandboxNeeds BlockFile::sandbox_needs() const {
  return thread_ ? BlockThread::needs() : Uring::needs();
}

async::Task<Result<void>> BlockFile::read(std::uint64_t sector, MutableBytes in, async::Wait wait) {
  if (const Result<void> fits = sig::check_read(geometry_, sector, in); !fits || in.empty())
    return async::ready(fits);
  return perform({Kind::kRead, sector * geometry_.sector_size, in.size(), in.data()}, wait);
}

async::Task<Result<void>> BlockFile::write(std::uint64_t sector, Bytes out, async::Wait wait) {
  if (const Result<void> fits = sig::check_write(geometry_, sector, out); !fits || out.empty())
    return async::ready(fits);
  return perform({Kind::kWrite, sector * geometry_.sector_size, out.size(),
                  const_cast<std::byte*>(out.data())},
                 wait);
}

// Only one flush runs at a time, because the kernel reports a failed write-back only once, to the
// first caller.
async::Task<Result<void>> BlockFile::flush(async::Wait wait) {
  if (const auto taken = co_await flushing_.acquire(wait); !taken)
    co_return fail(Error(taken.error()));
  const async::Semaphore::Hold hold(flushing_);
  if (flush_failed_) co_return fail(Error(sig::BlockErrc::kFlushFailed));
  co_return co_await perform({.kind = Kind::kFlush}, wait);
}

async::Task<Result<void>> BlockFile::discard(std::uint64_t sector, std::uint64_t count,
                                             async::Wait wait) {
  if (const Result<void> fits = sig::check_discard(geometry_, sector, count); !fits || count == 0)
    return async::ready(fits);
  return perform({Kind::kDiscard, sector * geometry_.sector_size, count * geometry_.sector_size},
                 wait);
}

async::Task<Result<void>> BlockFile::perform(Operation operation, async::Wait wait) {
  if (const auto taken = co_await parallel_.acquire(wait); !taken)
    co_return fail(Error(taken.error()));
  struct Leave {  // on every exit
    BlockFile* file;
    std::size_t slot;
    ~Leave() { file->leave(slot); }
  } const leave{this, free_slots_.back()};
  free_slots_.pop_back();
  const Kind kind = operation.kind;
  ++counters_[static_cast<std::size_t>(kind)];
  if (kind == Kind::kFlush || kind == Kind::kDiscard) {
    int outcome = 0;
    do {
      outcome = co_await call(leave.slot, operation);
    } while (outcome == -EINTR || outcome == -EAGAIN);
    if (outcome < 0) co_return failure(kind, -outcome);
    co_return Result<void>{};
  }
  for (int idle = 0; operation.length != 0;) {
    const int outcome = co_await call(leave.slot, operation);
    if (outcome < 0 && outcome != -EINTR && outcome != -EAGAIN) co_return failure(kind, -outcome);
    const std::uint64_t got = outcome < 0 ? 0 : static_cast<std::uint64_t>(outcome);
    // A transfer that ended within a sector resumes at the start of that sector. The next try then
    // continues or reports the error.
    const std::uint64_t whole = std::min(got - got % geometry_.sector_size, operation.length);
    // No sector was completed: the call was interrupted (EINTR, EAGAIN), ended within the first
    // sector, or reached the end of a truncated file.
    if (whole == 0 && ++idle == kMaxIdleCalls) co_return failure(kind, EIO);
    operation.offset += whole;
    operation.length -= whole;
    operation.memory = danger_advance(operation.memory, static_cast<std::ptrdiff_t>(whole));
    if (operation.length != 0) ++counters_[kContinued];
  }
  co_return Result<void>{};
}

async::Task<int> BlockFile::call(std::size_t slot, Operation operation) {
  stage(slot, operation);
  while (slots_[slot].under_way) (void)co_await slots_[slot].ended.wait();
  co_return slots_[slot].outcome;
}

Result<void> BlockFile::failure(Kind kind, int number) {
  ++counters_[kFailures];
  log_.error(kind == Kind::kRead    ? "reading"
             : kind == Kind::kWrite ? "writing"
             : kind == Kind::kFlush ? "flushing"
                                    : "discarding",
             ": ", os_error(number));
  const auto detail = static_cast<std::uint32_t>(number);
  if (kind == Kind::kFlush) {
    flush_failed_ = true;
    return fail(sig::BlockErrc::kFlushFailed, detail);
  }
  if (kind == Kind::kDiscard && (number == EOPNOTSUPP || number == ENOSYS))
    return fail(sig::BlockErrc::kUnsupported, detail);
  if (number == ENOSPC || number == EDQUOT) return fail(sig::BlockErrc::kNoSpace, detail);
  if (number == ENODEV || number == ENXIO) return fail(sig::BlockErrc::kGone, detail);
  return fail(sig::BlockErrc::kFailed, detail);
}

void BlockFile::stage(std::size_t slot, const Operation& operation) {
  slots_[slot].under_way = true;
  ++under_way_;
  if (!thread_) return stage_on_ring(slot, operation);
  ++counters_[kSystemCalls];
  thread_->add({.slot = slot,
                .call = operation.kind,
                .offset = operation.offset,
                .length = operation.memory == nullptr ? operation.length
                                                      : std::min(operation.length, kMaxBytes),
                .memory = operation.memory});
}

void BlockFile::stage_on_ring(std::size_t slot, const Operation& operation) {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_->uring);
  check(entry != nullptr, "a ring has fewer entries than there are operations");
  const auto length = static_cast<unsigned>(std::min(operation.length, kMaxBytes));
  switch (operation.kind) {
    case Kind::kRead:
      io_uring_prep_read(entry, 0, operation.memory, length, operation.offset);
      break;
    case Kind::kWrite:
      io_uring_prep_write(entry, 0, operation.memory, length, operation.offset);
      break;
    case Kind::kFlush:
      io_uring_prep_fsync(entry, 0, IORING_FSYNC_DATASYNC);
      break;
    case Kind::kDiscard:
      io_uring_prep_fallocate(entry, 0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                              static_cast<off_t>(operation.offset),
                              static_cast<off_t>(operation.length));
      break;
  }
  entry->flags |= IOSQE_FIXED_FILE;
  io_uring_sqe_set_data64(entry, slot);
}

// Entries that the kernel does not accept now (low memory) stay staged for the next turn.
void BlockFile::submit() {
  if (thread_ || io_uring_sq_ready(&ring_->uring) == 0) return;
  ++counters_[kSystemCalls];
  io_uring_submit(&ring_->uring);
}

bool BlockFile::complete() {
  if (!thread_) return complete_on_ring();
  std::array<BlockThread::Ended, kParallel> ended;
  const std::size_t count = thread_->take_ended(ended);
  for (const BlockThread::Ended& each : std::span(ended).first(count)) end(each.slot, each.outcome);
  return count != 0;
}

bool BlockFile::complete_on_ring() {
  std::array<io_uring_cqe*, kParallel> ended{};
  const unsigned count = io_uring_peek_batch_cqe(&ring_->uring, ended.data(), kParallel);
  for (io_uring_cqe* entry : std::span(ended).first(count))
    end(static_cast<std::size_t>(io_uring_cqe_get_data64(entry)), entry->res);
  io_uring_cq_advance(&ring_->uring, count);
  return count != 0;
}

void BlockFile::end(std::size_t number, int outcome) {
  Slot& slot = slots_[number];
  slot.outcome = outcome;
  slot.under_way = false;
  --under_way_;
  slot.ended.notify_all();
}

bool BlockFile::poll() noexcept {
  if (under_way_ == 0) return false;
  submit();
  return complete();
}

// Waits for the operation, because the kernel may still write to the buffer of a task that is being
// destroyed.
void BlockFile::leave(std::size_t slot) noexcept {
  while (slots_[slot].under_way) {
    if (thread_)
      thread_->wait();
    else
      io_uring_submit_and_wait(&ring_->uring, 1);
    complete();
  }
  free_slots_.push_back(slot);
  parallel_.release();
}

}  // namespace fata::linux
