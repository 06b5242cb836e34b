// Tcp: the driver that gives the engine's connections to applications. Models sig::Tcp.
#pragma once

#include <memory>

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"
#include "fata/net/tcp/table.hpp"
#include "fata/sig/flow.hpp"

namespace fata::net {

class Tcp;

// What the driver asks of the stack that it is part of.
class PacketFlush {
 public:
  // Packets were sent outside of a batch of received ones: hand them to the device.
  virtual void flush() = 0;

 protected:
  ~PacketFlush() = default;
};

class TcpFlow final : private tcp::Observer {
 public:
  // The connection is left: what was written is still sent, unread data resets it.
  ~TcpFlow();
  TcpFlow(const TcpFlow&) = delete;
  TcpFlow& operator=(const TcpFlow&) = delete;

  // The flow as sig::Flow.
  async::Task<Result<Slice>> read(async::Wait wait = {});
  async::Task<sig::WriteOutcome> write(std::span<Slice> out, async::Wait wait = {});
  async::Task<Result<void>> shutdown(async::Wait wait = {});
  void abort();

  Endpoint local() const { return connection_->local; }
  Endpoint peer() const { return connection_->remote; }
  tcp::ConnectionStats stats() const { return connection_->stats(); }
  const tcp::FlowOptions& options() const { return connection_->options(); }
  void set_options(const tcp::FlowOptions& options);

 private:
  friend class Tcp;
  friend class TcpListener;
  explicit TcpFlow(Tcp& tcp) : tcp_(&tcp) {}
  void on_events(unsigned events) noexcept override;
  std::optional<Error> write_error() const;

  Tcp* tcp_;
  tcp::Connection* connection_ = nullptr;
  async::WaitQueue readers_;
  async::WaitQueue writers_;
};

class TcpListener final : private tcp::Observer {
 public:
  using Flow = TcpFlow;
  // Connections not accepted are reset.
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  Endpoint local() const { return listener_->at; }
  async::Task<Result<std::unique_ptr<TcpFlow>>> accept(async::Wait wait = {});
  // For flows to come.
  void set_options(const tcp::FlowOptions& options) { listener_->options = options; }

 private:
  friend class Tcp;
  explicit TcpListener(Tcp& tcp) : tcp_(&tcp) {}
  void on_events(unsigned) noexcept override { waiting_.notify_all(); }

  Tcp* tcp_;
  tcp::Listener* listener_ = nullptr;
  async::WaitQueue waiting_;
};

class Tcp final : private async::Timer {
 public:
  using Flow = TcpFlow;
  using Listener = TcpListener;

  Tcp(const tcp::Config& config, const tcp::Secrets& secrets, IpLayer& ip, PacketFlush& flush)
      : table_(config, secrets, ip), flush_(&flush) {}

  // For the IP layers; after each batch of packets comes end_of_batch().
  Transport& transport() { return table_; }
  void end_of_batch(Instant now) {
    table_.end_of_batch(now);
    rearm();
  }

  // The TCP as sig::Tcp. Address any listens on all addresses of both families.
  Result<std::unique_ptr<TcpListener>> listen(Endpoint at, std::size_t backlog);
  async::Task<Result<std::unique_ptr<TcpFlow>>> connect(Endpoint to, async::Wait wait = {}) {
    return connect(to, table_.config().flow, wait);
  }
  async::Task<Result<std::unique_ptr<TcpFlow>>> connect(Endpoint to, tcp::FlowOptions options,
                                                        async::Wait wait);
  PacketBuf allocate() { return table_.allocate(); }

  const tcp::Table& table() const { return table_; }
  void renew(const tcp::Secrets& secrets) { table_.renew(secrets); }

 private:
  friend class TcpFlow;
  friend class TcpListener;
  void on_timer() noexcept override;
  void rearm();
  // After a call that may have sent something.
  void done() {
    rearm();
    flush_->flush();
  }

  tcp::Table table_;
  PacketFlush* flush_;
};
static_assert(sig::Tcp<Tcp>);
// An idle connection, all in: itself, its flow, its places in the table and among the timers, and
// what a heap adds to two pieces.
static_assert(sizeof(tcp::Connection) + sizeof(TcpFlow) + 8 + 24 + 32 <= 1024);

}  // namespace fata::net
