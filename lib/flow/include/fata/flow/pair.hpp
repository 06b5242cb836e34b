// An in-memory pair of flows: data written at one end is read at the other. Models sig::Flow
// without copying.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "fata/async/task.hpp"
#include "fata/base/pool.hpp"
#include "fata/sig/flow.hpp"

namespace fata::flow {

class PairEnd {
 public:
  using Address = Endpoint;
  // Acts like a closed socket: the peer reads the written data, then end-of-stream; the peer's
  // writes are reset.
  ~PairEnd();

  async::Task<Result<Slice>> read(async::Wait wait = {});
  async::Task<sig::WriteOutcome> write(std::span<Slice> out, async::Wait wait = {});
  async::Task<Result<void>> shutdown(async::Wait wait = {});
  void abort();
  PacketBuf allocate(std::size_t headroom, std::size_t tailroom);
  // In-memory streams have no addresses.
  Endpoint local() const { return {}; }
  Endpoint peer() const { return {}; }
  sig::Session session() const { return {}; }

 private:
  friend std::pair<std::unique_ptr<PairEnd>, std::unique_ptr<PairEnd>> make_pair(std::size_t,
                                                                                 BufferPool&);
  struct Pipe;
  PairEnd(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, BufferPool& buffers)
      : in_(std::move(in)), out_(std::move(out)), buffers_(&buffers) {}

  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  BufferPool* buffers_;
};
static_assert(sig::Flow<PairEnd>);

// Each direction holds at most `capacity` bytes (at least 1) of accepted, unread data. Both ends
// allocate from `buffers`, which must outlive them.
std::pair<std::unique_ptr<PairEnd>, std::unique_ptr<PairEnd>> make_pair(std::size_t capacity,
                                                                        BufferPool& buffers);

}  // namespace fata::flow
