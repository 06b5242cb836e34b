#include "fata/flow/pair.hpp"

#include <algorithm>
#include <deque>

namespace fata::flow {

struct PairEnd::Pipe {
  explicit Pipe(std::size_t room) : capacity(room) {}

  std::size_t capacity;
  std::size_t used = 0;
  std::deque<Slice> slices;
  bool finished = false;  // no further writes
  bool reset = false;     // both sides get an error
  bool reader_gone = false;
  async::WaitQueue readers;
  async::WaitQueue writers;

  void wake_all() {
    readers.notify_all();
    writers.notify_all();
  }
};

std::pair<std::unique_ptr<PairEnd>, std::unique_ptr<PairEnd>> make_pair(std::size_t capacity,
                                                                        BufferPool& buffers) {
  check(capacity != 0, "a flow that can hold nothing");
  auto left = std::make_shared<PairEnd::Pipe>(capacity);
  auto right = std::make_shared<PairEnd::Pipe>(capacity);
  return {std::unique_ptr<PairEnd>(new PairEnd(left, right, buffers)),
          std::unique_ptr<PairEnd>(new PairEnd(right, left, buffers))};
}

PairEnd::~PairEnd() {
  out_->finished = true;
  in_->reader_gone = true;
  out_->wake_all();
  in_->wake_all();
}

async::Task<Result<Slice>> PairEnd::read(async::Wait wait) {
  const std::shared_ptr<Pipe> pipe = in_;
  for (;;) {
    if (pipe->reset) co_return fail(Error(sig::FlowErrc::kReset));
    if (!pipe->slices.empty()) {
      Slice slice = std::move(pipe->slices.front());
      pipe->slices.pop_front();
      pipe->used -= slice.size();
      pipe->writers.notify_all();
      co_return slice;
    }
    if (pipe->finished) co_return Slice();
    const auto woken = co_await pipe->readers.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

async::Task<sig::WriteOutcome> PairEnd::write(std::span<Slice> out, async::Wait wait) {
  const std::shared_ptr<Pipe> pipe = out_;
  sig::WriteOutcome outcome;
  while (!out.empty()) {
    if (pipe->reset || pipe->reader_gone)
      outcome.error = sig::FlowErrc::kReset;
    else if (pipe->finished)
      outcome.error = sig::FlowErrc::kClosedForWriting;
    if (outcome.error) co_return outcome;
    Slice& next = out.front();
    const std::size_t count = std::min(next.size(), pipe->capacity - pipe->used);
    if (count == 0 && !next.empty()) {
      const auto woken = co_await pipe->writers.wait(wait);
      if (!woken) outcome.error = woken.error();
      if (outcome.error) co_return outcome;
      continue;
    }
    if (count != 0) {
      pipe->slices.push_back(next.part(0, count));
      pipe->used += count;
      outcome.accepted += count;
      pipe->readers.notify_all();
    }
    if (count == next.size()) {
      next = {};
      out = out.subspan(1);
    } else {
      next.trim_front(count);
    }
  }
  co_return outcome;
}

async::Task<Result<void>> PairEnd::shutdown(async::Wait) {
  if (out_->reset) co_return fail(Error(sig::FlowErrc::kReset));
  out_->finished = true;
  out_->readers.notify_all();
  co_return Result<void>{};
}

PacketBuf PairEnd::allocate(std::size_t headroom, std::size_t tailroom) {
  const std::size_t room = buffers_->buffer_size();
  if (headroom > room || tailroom > room - headroom) return {};
  return buffers_->allocate(headroom);
}

void PairEnd::abort() {
  for (Pipe* pipe : {in_.get(), out_.get()}) {
    pipe->reset = true;
    pipe->slices.clear();
    pipe->used = 0;
    pipe->wake_all();
  }
}

}  // namespace fata::flow
