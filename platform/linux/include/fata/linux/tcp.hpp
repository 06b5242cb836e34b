// TCP through the Linux stack. Models sig::Tcp.
#pragma once

#include <memory>
#include <optional>

#include "fata/async/task.hpp"
#include "fata/base/pool.hpp"
#include "fata/linux/reactor.hpp"
#include "fata/linux/sandbox.hpp"
#include "fata/sig/flow.hpp"

namespace fata::linux {

class TcpFlow {
 public:
  // read() fills buffers of `pool`, which must outlive every slice.
  TcpFlow(Fd fd, BufferPool& pool, Endpoint peer);

  // sig::Flow.
  using Address = Endpoint;
  async::Task<Result<Slice>> read(async::Wait wait = {});
  async::Task<sig::WriteOutcome> write(std::span<Slice> out, async::Wait wait = {});
  async::Task<Result<void>> shutdown(async::Wait wait = {});
  void abort();
  PacketBuf allocate(std::size_t headroom, std::size_t tailroom);
  Endpoint local() const;
  Endpoint peer() const { return peer_; }
  sig::Session session() const { return {}; }

 private:
  friend class Tcp;
  Fd fd_;
  Watch watch_;
  BufferPool* pool_;
  Endpoint peer_;
  // Empty until needed: a server of many short connections would otherwise make one more system
  // call for each.
  mutable std::optional<Endpoint> local_;
  bool shut_ = false;
  bool aborted_ = false;
};

class TcpListener {
 public:
  using Flow = TcpFlow;
  TcpListener(Fd fd, BufferPool& pool);

  Endpoint local() const { return local_; }
  async::Task<Result<std::unique_ptr<TcpFlow>>> accept(async::Wait wait = {});

 private:
  Fd fd_;
  Watch watch_;
  BufferPool* pool_;
  Endpoint local_;
};

class Tcp {
 public:
  using Address = Endpoint;
  using Flow = TcpFlow;
  using Listener = TcpListener;

  Result<std::unique_ptr<TcpListener>> listen(Endpoint at, std::size_t backlog);
  async::Task<Result<std::unique_ptr<TcpFlow>>> connect(sig::Target<Endpoint> to,
                                                        async::Wait wait = {});

  // Permits connecting only in an image that links connect().
  SandboxNeeds sandbox_needs() const;

 private:
  static constexpr std::size_t kBufferSize = 4096;
  static constexpr std::size_t kBuffers = 1024;
  BufferPool pool_{kBuffers, kBufferSize};
};
static_assert(sig::Tcp<Tcp>);

}  // namespace fata::linux
