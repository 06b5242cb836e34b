#include "block_thread.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "fata/base/panic.hpp"
#include "fata/linux/os_error.hpp"
#include "landlock.hpp"

namespace fata::linux {

namespace {
constexpr std::size_t kStack = std::size_t{256} << 10;

// Blocks all signals in the thread; the loop handles them.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};
}  // namespace

Result<std::unique_ptr<BlockThread>> BlockThread::start(int file, int ended) {
  std::unique_ptr<BlockThread> self(new BlockThread(file, ended));
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStack);
  int error = 0;
  {
    const NoSignals none;
    error = ::pthread_create(&self->thread_, &attributes, &enter, self.get());
  }
  ::pthread_attr_destroy(&attributes);
  if (error != 0) {
    self->thread_ = {};
    return os_fail(error);
  }
  // Wait for the thread to start: the sandbox forbids system calls that a starting thread makes.
  std::unique_lock lock(self->mutex_);
  self->changed_.wait(lock, [&] { return self->started_; });
  return self;
}

BlockThread::~BlockThread() {
  if (thread_ == pthread_t{}) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  ::pthread_join(thread_, nullptr);
}

void BlockThread::add(const Work& work) {
  {
    const std::lock_guard lock(mutex_);
    check(waiting_.count + done_.count < kMax, "too many operations for a disk's thread");
    waiting_.push(work);
  }
  changed_.notify_all();
}

std::size_t BlockThread::take_ended(std::span<Ended> into) {
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(into.size(), done_.count);
  for (Ended& each : into.first(count)) each = done_.pop();
  return count;
}

void BlockThread::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_.count != 0; });
}

void* BlockThread::enter(void* self) {
  // Landlock applies to a thread and to those that it starts later. The process restricts itself
  // after this thread exists, so the thread restricts itself here; it opens nothing.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) (void)enter_landlock({});
  static_cast<BlockThread*>(self)->run();
  return nullptr;
}

void BlockThread::run() {
  std::unique_lock lock(mutex_);
  started_ = true;
  changed_.notify_all();
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || waiting_.count != 0; });
    if (waiting_.count == 0) return;
    const Work work = waiting_.pop();
    lock.unlock();
    const int outcome = perform(work);
    lock.lock();
    done_.push({work.slot, outcome});
    changed_.notify_all();
    const std::uint64_t one = 1;
    (void)!::write(ended_, &one, sizeof one);
  }
}

int BlockThread::perform(const Work& work) const {
  const auto offset = static_cast<off_t>(work.offset);
  ssize_t outcome = -1;
  switch (work.call) {
    case BlockCall::kRead:
      outcome = ::pread(file_, work.memory, work.length, offset);
      break;
    case BlockCall::kWrite:
      outcome = ::pwrite(file_, work.memory, work.length, offset);
      break;
    case BlockCall::kFlush:
      outcome = ::fdatasync(file_);
      break;
    case BlockCall::kDiscard:
      outcome = ::fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                            static_cast<off_t>(work.length));
      break;
  }
  return outcome < 0 ? -errno : static_cast<int>(outcome);
}

SandboxNeeds BlockThread::needs() {
  return {.calls = {{SYS_pread64}, {SYS_pwrite64}, {SYS_fdatasync}, {SYS_fallocate}}};
}

}  // namespace fata::linux
