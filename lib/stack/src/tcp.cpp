#include "fata/stack/tcp.hpp"

#include <algorithm>

namespace fata::stack {

TcpFlow::~TcpFlow() {
  if (connection_ == nullptr) return;
  tcp_->table_.release(connection_, tcp_->driver_->now());
  tcp_->done();
}

void TcpFlow::on_events(unsigned events) noexcept {
  if ((events & (kReadable | kEnded)) != 0) readers_.notify_all();
  if ((events & (kWritable | kConnected | kEnded)) != 0) writers_.notify_all();
}

async::Task<Result<Slice>> TcpFlow::read(async::Wait wait) {
  for (;;) {
    if (connection_->readable()) {
      Slice slice = connection_->read(tcp_->driver_->now());
      tcp_->done();
      co_return slice;
    }
    if (const auto error = connection_->error()) co_return fail(*error);
    if (connection_->at_end() || connection_->state() == tcp::State::kClosed) co_return Slice();
    const auto woken = co_await readers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

std::optional<Error> TcpFlow::write_error() const {
  if (connection_->can_write()) return std::nullopt;
  if (const auto error = connection_->error()) return error;
  return Error(sig::FlowErrc::kClosedForWriting);
}

async::Task<sig::WriteOutcome> TcpFlow::write(std::span<Slice> out, async::Wait wait) {
  sig::WriteOutcome outcome;
  for (;;) {
    outcome.error = write_error();
    if (outcome.error) co_return outcome;
    const std::size_t before = outcome.accepted;
    while (!out.empty()) {
      outcome.accepted += connection_->write(out.front(), tcp_->driver_->now());
      if (!out.front().empty()) break;
      out = out.subspan(1);
    }
    if (outcome.accepted != before) {
      connection_->push(tcp_->driver_->now());
      tcp_->done();
    }
    if (out.empty()) co_return outcome;
    tcp_->done();
    const auto woken = co_await writers_.wait(wait);
    if (!woken) {
      outcome.error = woken.error();
      co_return outcome;
    }
  }
}

async::Task<Result<void>> TcpFlow::shutdown(async::Wait) {
  if (const auto error = connection_->error()) co_return fail(*error);
  connection_->shutdown(tcp_->driver_->now());
  tcp_->done();
  co_return Result<void>{};
}

void TcpFlow::abort() {
  connection_->abort(tcp_->driver_->now());
  tcp_->done();
}

void TcpFlow::set_options(const tcp::FlowOptions& options) {
  connection_->set_options(options, tcp_->driver_->now());
  tcp_->done();
}

TcpListener::~TcpListener() {
  if (listener_ == nullptr) return;
  tcp_->table_.close(listener_, tcp_->driver_->now());
  tcp_->done();
}

async::Task<Result<std::unique_ptr<TcpFlow>>> TcpListener::accept(async::Wait wait) {
  for (;;) {
    if (tcp::Connection* connection = tcp_->table_.accept(*listener_); connection != nullptr) {
      auto flow = std::unique_ptr<TcpFlow>(new TcpFlow(*tcp_));
      flow->connection_ = connection;
      connection->observe(flow.get());
      co_return flow;
    }
    const auto woken = co_await waiting_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

Result<std::unique_ptr<TcpListener>> Tcp::listen(Endpoint at, std::size_t backlog) {
  auto listener = std::unique_ptr<TcpListener>(new TcpListener(*this));
  const Result<tcp::Listener*> made = table_.listen(at, backlog, listener.get());
  if (!made) return fail(made.error());
  listener->listener_ = *made;
  return listener;
}

async::Task<Result<std::unique_ptr<TcpFlow>>> Tcp::connect(Endpoint to, tcp::FlowOptions options,
                                                           async::Wait wait) {
  auto flow = std::unique_ptr<TcpFlow>(new TcpFlow(*this));
  // The engine has no zones; the route to a link-local address is that of its neighbour.
  to.address = to.address.without_scope();
  const Result<tcp::Connection*> made = table_.connect({}, to, options, flow.get(), driver_->now());
  if (!made) co_return fail(made.error());
  flow->connection_ = *made;
  done();
  for (;;) {
    if (const auto error = flow->connection_->error()) co_return fail(*error);
    if (flow->connection_->state() >= tcp::State::kEstablished || flow->connection_->awaits_data())
      co_return flow;
    const auto woken = co_await flow->writers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

[[clang::minsize]] tcp::Config tcp_config_for(std::size_t memory, const ip::Host& host) {
  tcp::Config config;
  config.memory = std::min<std::size_t>(memory / 4, std::size_t{64} << 20);
  config.borrowed = config.memory / 4;
  // Queues leave each device half of its buffers, because the acknowledgements that empty the
  // queues need them.
  for (std::size_t i = 0; i < host.interface_count(); ++i) {
    config.borrowed = std::min(config.borrowed, host.interface(i).features().receive_memory / 2);
  }
  return config;
}

}  // namespace fata::stack
