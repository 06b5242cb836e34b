// Uses every function of a stack once: logs data received over UDP and TCP, and connects out to
// send a hello.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/scope.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/connector.hpp>
#include <fata/sig/flow.hpp>
#include <fata/sig/udp.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace stack_example {

template <fata::sig::Udp Udp, fata::sig::Tcp Tcp, fata::sig::Connector Connector>
class Visitor {
 public:
  Visitor(fata::async::Context& context, Udp& udp, Tcp& tcp, Connector& connector,
          std::uint16_t port, std::optional<std::string_view> peer)
      : stop_(context.stop),
        log_(context.logger("stack")),
        udp_(udp),
        tcp_(tcp),
        connector_(connector),
        port_(port),
        peer_(peer) {}

  fata::async::Task<int> start() {
    auto socket = udp_.bind({fata::IpAddress(), port_});
    auto listener = tcp_.listen({fata::IpAddress(), port_}, kBacklog);
    if (!socket || !listener) {
      log_.error("cannot listen on port ", port_, ": ", socket ? listener.error() : socket.error(),
                 "; choose another with --port");
      co_return 64;
    }
    log_.info("listening on port ", port_, ", UDP and TCP");
    fata::async::Scope tasks(stop_);
    tasks.spawn(hear_datagrams(this, socket->get()));
    tasks.spawn(accept_flows(this, listener->get(), &tasks));
    if (peer_) tasks.spawn(say_hello(this));
    co_await tasks.join();
    co_return 0;
  }

 private:
  using Flow = typename Tcp::Flow;

  static fata::async::Task<void> hear_datagrams(Visitor* self, typename Udp::Socket* socket) {
    std::array<fata::sig::RxDatagram, 16> in;
    for (;;) {
      const auto count =
          co_await socket->receive(std::span<fata::sig::RxDatagram>(in), self->until_stopped());
      if (!count) co_return;
      for (fata::sig::RxDatagram& datagram : std::span(in).first(*count)) {
        self->log_.info("UDP from ", datagram.source, ": ", datagram.payload.size(), " bytes");
        datagram.payload = {};
      }
      co_await fata::async::yield();
    }
  }

  static fata::async::Task<void> accept_flows(Visitor* self, typename Tcp::Listener* listener,
                                              fata::async::Scope* tasks) {
    while (co_await tasks->below(kMax, self->until_stopped())) {
      auto flow = co_await listener->accept(self->until_stopped());
      if (!flow) co_return;
      tasks->spawn(hear_flow(self, std::move(*flow), ++self->flows_));
    }
  }

  static fata::async::Task<void> hear_flow(Visitor* self, std::unique_ptr<Flow> flow,
                                           unsigned number) {
    std::uint64_t bytes = 0;
    for (;;) {
      const auto got = co_await flow->read(self->until_stopped());
      if (!got) {
        self->log_.info("TCP ", number, " broke after ", bytes, " bytes: ", got.error());
        co_return;
      }
      if (got->empty()) break;
      bytes += got->size();
    }
    self->log_.info("TCP ", number, " ended after ", bytes, " bytes");
    (void)co_await flow->shutdown(self->until_stopped());
  }

  static fata::async::Task<void> say_hello(Visitor* self) {
    const auto wait = fata::async::Wait::at_most(fata::seconds(10), self->stop_);
    auto flow = co_await self->connector_.connect(*self->peer_, self->port_, wait);
    if (!flow) {
      self->log_.warning("cannot connect to ", *self->peer_, ": ", flow.error());
      co_return;
    }
    constexpr std::string_view kHello = "hello\n";
    fata::PacketBuf packet = (*flow)->allocate(0, kHello.size());
    if (!packet) co_return;
    fata::copy_bytes(packet.append(kHello.size()), fata::as_bytes(kHello));
    std::array<fata::Slice, 1> out{fata::Slice(std::move(packet))};
    const auto written = co_await (*flow)->write(out, wait);
    (void)co_await (*flow)->shutdown(wait);
    self->log_.info("said hello to ", (*flow)->peer(), ": ", written.accepted, " bytes");
  }

  fata::async::Wait until_stopped() const { return fata::async::Wait::cancelled_by(stop_); }

  static constexpr std::size_t kBacklog = 16;
  static constexpr std::size_t kMax = 100;

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Udp& udp_;
  Tcp& tcp_;
  Connector& connector_;
  std::uint16_t port_;
  std::optional<std::string_view> peer_;
  unsigned flows_ = 0;
};

}  // namespace stack_example
