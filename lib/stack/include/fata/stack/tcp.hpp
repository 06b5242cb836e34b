// Tcp: the driver that provides the engine's connections to applications. Models sig::Tcp.
#pragma once

#include <memory>

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"
#include "fata/ip/host.hpp"
#include "fata/sig/flow.hpp"
#include "fata/sig/stack_port.hpp"
#include "fata/stack/socket_driver.hpp"
#include "fata/tcp/table.hpp"

namespace fata::stack {

class Tcp;

class TcpFlow final : private tcp::Observer {
 public:
  // Releases the connection: written data is still sent; unread data causes a reset.
  ~TcpFlow();
  TcpFlow(const TcpFlow&) = delete;
  TcpFlow& operator=(const TcpFlow&) = delete;

  // The flow as sig::Flow.
  using Address = Endpoint;
  async::Task<Result<Slice>> read(async::Wait wait = {});
  async::Task<sig::WriteOutcome> write(std::span<Slice> out, async::Wait wait = {});
  async::Task<Result<void>> shutdown(async::Wait wait = {});
  void abort();
  [[gnu::always_inline]] PacketBuf allocate(std::size_t headroom, std::size_t tailroom);
  Endpoint local() const { return connection_->local; }
  Endpoint peer() const { return connection_->remote; }
  sig::Session session() const { return {}; }

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
  // Resets connections that were not accepted.
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  Endpoint local() const { return listener_->at; }
  async::Task<Result<std::unique_ptr<TcpFlow>>> accept(async::Wait wait = {});
  // For future flows.
  void set_options(const tcp::FlowOptions& options) { listener_->options = options; }

 private:
  friend class Tcp;
  explicit TcpListener(Tcp& tcp) : tcp_(&tcp) {}
  void on_events(unsigned) noexcept override { waiting_.notify_all(); }

  Tcp* tcp_;
  tcp::Listener* listener_ = nullptr;
  async::WaitQueue waiting_;
};

class Tcp {
 public:
  using Address = Endpoint;
  using Flow = TcpFlow;
  using Listener = TcpListener;

  Tcp(const tcp::Config& config, const tcp::Secrets& secrets, ip::Layer& ip, SocketDriver& driver)
      : table_(config, secrets, ip), driver_(&driver) {}

  // For the host, which calls end_of_batch() after each batch of packets and tick() in time.
  ip::Transport& transport() { return table_; }

  // The TCP as sig::Tcp. The address "any" listens on all addresses of both families.
  Result<std::unique_ptr<TcpListener>> listen(Endpoint at, std::size_t backlog);
  async::Task<Result<std::unique_ptr<TcpFlow>>> connect(sig::Target<Endpoint> to,
                                                        async::Wait wait = {}) {
    return connect(to.address, table_.config().flow, wait);
  }
  async::Task<Result<std::unique_ptr<TcpFlow>>> connect(Endpoint to, tcp::FlowOptions options,
                                                        async::Wait wait);

  const tcp::Table& table() const { return table_; }

 private:
  friend class TcpFlow;
  friend class TcpListener;
  // Call after any call of the table.
  void done() { driver_->flush(); }

  tcp::Table table_;
  SocketDriver* driver_;
};
inline PacketBuf TcpFlow::allocate(std::size_t headroom, std::size_t tailroom) {
  return tcp_->table_.allocate(headroom, tailroom);
}
static_assert(sig::Tcp<Tcp>);
// Total size of an idle connection: the connection, its flow, its entries in the table and timer
// heap, and the allocator's overhead for two blocks.
static_assert(sizeof(tcp::Connection) + sizeof(TcpFlow) + 8 + 24 + 32 <= 1024);

// A quarter of the memory, at most 64 MiB; after all interfaces were added to the host.
tcp::Config tcp_config_for(std::size_t memory, const ip::Host& host);

template <sig::StackPort Stack>
class TcpOn : public Tcp {
 public:
  explicit TcpOn(Stack& stack)
      : Tcp(tcp_config_for(stack.memory(), stack.host()), tcp::Secrets::from(stack.secret()),
            stack.host(), stack),
        host_(&stack.host()) {
    host_->attach(ip::protocol::kTcp, transport());
  }
  ~TcpOn() { host_->detach(transport()); }
  TcpOn(const TcpOn&) = delete;
  TcpOn& operator=(const TcpOn&) = delete;

 private:
  typename Stack::Host* host_;
};

}  // namespace fata::stack
