// Sends back every byte of every connection without copying, and closes after the peer has closed.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/scope.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/flow/crowd.hpp>
#include <fata/sig/flow.hpp>

#include <array>
#include <cstdint>

namespace tcp_echo {

template <fata::sig::Tcp Tcp>
class Echo {
 public:
  Echo(fata::async::Context& context, Tcp& tcp, std::uint16_t port, std::uint32_t most)
      : stop_(context.stop),
        log_(context.logger("tcp-echo")),
        tcp_(tcp),
        port_(port),
        max_(most == 0 ? 1 : most),
        crowd_(max_ + kLeaving) {}

  fata::async::Task<int> start() {
    auto listener = tcp_.listen({fata::IpAddress(), port_}, kBacklog);
    if (!listener) {
      log_.error("cannot serve TCP port ", port_, ": ", listener.error(),
                 "; choose another with --port");
      co_return 64;
    }
    log_.info("echoing on port ", (*listener)->local().port);
    fata::async::Scope connections(stop_);
    const auto served = co_await serve(listener->get(), &connections);
    co_await connections.join();
    log_.info(connections_, " connections, ", bytes_, " bytes echoed, ", broken_, " broken");
    if (served || served.error().is(fata::async::Errc::kCancelled)) co_return 0;
    log_.error(served.error());
    co_return 1;
  }

 private:
  using Flow = typename Tcp::Flow;

  fata::async::Task<fata::Result<void>> serve(typename Tcp::Listener* listener,
                                              fata::async::Scope* connections) {
    for (;;) {
      auto flow = co_await listener->accept(fata::async::Wait::cancelled_by(stop_));
      if (!flow) co_return fata::fail(flow.error());
      ++connections_;
      // Above the bound, each new connection ends another one, which takes a turn of the loop.
      const auto room =
          co_await connections->below(max_ + kLeaving, fata::async::Wait::cancelled_by(stop_));
      if (!room) co_return fata::fail(fata::Error(room.error()));
      connections->spawn(echo(this, std::move(*flow)));
    }
  }

  struct Connection final : fata::flow::Crowd::Member {
    Connection(fata::flow::Crowd& crowd, Flow& flow)
        : Member(crowd, flow.peer().address), flow(&flow) {}
    void end() noexcept override { flow->abort(); }
    Flow* flow;
  };

  static fata::async::Task<void> echo(Echo* self, std::unique_ptr<Flow> flow) {
    Connection connection(self->crowd_, *flow);
    if (self->crowd_.size() > self->max_) self->crowd_.end_one();
    if (!co_await echo_all(self, flow.get(), &connection)) {
      ++self->broken_;
      flow->abort();
    }
  }

  // False if the connection ended without its peer's end-of-stream.
  static fata::async::Task<bool> echo_all(Echo* self, Flow* flow, Connection* connection) {
    const auto until_stopped = fata::async::Wait::cancelled_by(self->stop_);
    for (;;) {
      auto got = co_await flow->read(until_stopped);
      if (!got) co_return false;
      if (got->empty()) break;
      self->bytes_ += got->size();
      std::array<fata::Slice, 1> out{std::move(*got)};
      const fata::sig::WriteOutcome written = co_await flow->write(out, until_stopped);
      if (written.error) co_return false;
      self->crowd_.touch(*connection);
    }
    co_return (co_await flow->shutdown(until_stopped)).has_value();
  }

  static constexpr std::size_t kBacklog = 128;
  // Aborted connections whose tasks have not ended yet.
  static constexpr std::size_t kLeaving = 128;

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Tcp& tcp_;
  std::uint16_t port_;
  std::uint32_t max_;
  fata::flow::Crowd crowd_;
  std::uint64_t connections_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t broken_ = 0;
};

}  // namespace tcp_echo
