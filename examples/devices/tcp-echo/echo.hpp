// Sends back every byte of every connection without copying, and closes after the peer has closed.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/scope.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/flow/server.hpp>
#include <fata/sig/flow.hpp>

#include <array>
#include <cstdint>

namespace tcp_echo {

template <fata::sig::Tcp Tcp>
class Echo {
 public:
  Echo(fata::async::Context& context, Tcp& tcp, std::uint16_t port, std::uint32_t most,
       std::uint32_t of_one)
      : stop_(context.stop),
        log_(context.logger("tcp-echo")),
        tcp_(tcp),
        port_(port),
        server_({.connections = most, .per_client = of_one}) {}

  fata::async::Task<int> start() {
    auto listener = tcp_.listen({fata::IpAddress(), port_}, kBacklog);
    if (!listener) {
      log_.error("cannot serve TCP port ", port_, ": ", listener.error(),
                 "; choose another with --port");
      co_return 64;
    }
    log_.info("echoing on port ", (*listener)->local().port);
    const auto served = co_await server_.serve(listener->get(), stop_, this, &echo);
    log_.info(server_.accepted(), " connections, ", bytes_, " bytes echoed, ", broken_, " broken");
    if (served) co_return 0;
    log_.error(served.error());
    co_return 1;
  }

 private:
  using Flow = typename Tcp::Flow;
  using Server = fata::flow::Server<Tcp>;
  using Connection = typename Server::Connection;

  static fata::async::Task<void> echo(Echo* self, std::unique_ptr<Flow> flow,
                                      fata::async::Scope* connections) {
    Connection connection(self->server_, *flow);
    if (!co_await echo_all(self, flow.get(), &connection, connections->token())) {
      ++self->broken_;
      flow->abort();
    }
  }

  // False if the connection ended without its peer's end-of-stream.
  static fata::async::Task<bool> echo_all(Echo* self, Flow* flow, Connection* connection,
                                          fata::async::CancelToken stop) {
    const auto until_stopped = fata::async::Wait::cancelled_by(stop);
    for (;;) {
      auto got = co_await flow->read(until_stopped);
      if (!got) co_return false;
      if (got->empty()) break;
      self->bytes_ += got->size();
      std::array<fata::Slice, 1> out{std::move(*got)};
      const fata::sig::WriteOutcome written = co_await flow->write(out, until_stopped);
      if (written.error) co_return false;
      connection->touch();
    }
    co_return (co_await flow->shutdown(until_stopped)).has_value();
  }

  static constexpr std::size_t kBacklog = 128;

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Tcp& tcp_;
  std::uint16_t port_;
  Server server_;
  std::uint64_t bytes_ = 0;
  std::uint64_t broken_ = 0;
};

}  // namespace tcp_echo
