// An in-memory pair of flows: data written at one end is read at the other. Models sig::Flow
// without copying.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "fata/async/task.hpp"
#include "fata/sig/flow.hpp"

namespace fata::flow {

class PairEnd {
 public:
  // Acts like a closed socket: the peer reads the written data, then end-of-stream; the peer's
  // writes are reset.
  ~PairEnd();

  async::Task<Result<Slice>> read(async::Wait wait = {});
  async::Task<sig::WriteOutcome> write(std::span<Slice> out, async::Wait wait = {});
  async::Task<Result<void>> shutdown(async::Wait wait = {});
  void abort();
  // In-memory streams have no addresses.
  Endpoint peer() const { return {}; }

 private:
  friend std::pair<std::unique_ptr<PairEnd>, std::unique_ptr<PairEnd>> make_pair(std::size_t);
  struct Pipe;
  PairEnd(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
      : in_(std::move(in)), out_(std::move(out)) {}

  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
};
static_assert(sig::Flow<PairEnd>);

// Each direction holds at most `capacity` bytes (at least 1) of accepted, unread data.
std::pair<std::unique_ptr<PairEnd>, std::unique_ptr<PairEnd>> make_pair(std::size_t capacity);

}  // namespace fata::flow
