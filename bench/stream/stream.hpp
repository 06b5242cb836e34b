// One end of a byte stream, for measuring. If the first byte is 'S', all further bytes are read and
// discarded; if it is 'R', bytes are sent until the peer closes. bench/socket_stream.cpp is the
// other end; it also serves the same protocol on Linux's own stack.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/scope.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/flow.hpp>

#include <array>
#include <cstdint>

namespace tcp_stream {

template <fata::sig::Tcp Tcp>
class Stream {
 public:
  Stream(fata::async::Context& context, Tcp& tcp, std::uint16_t port)
      : stop_(context.stop), log_(context.logger("tcp-stream")), tcp_(tcp), port_(port) {}

  fata::async::Task<int> start() {
    auto listener = tcp_.listen({fata::IpAddress(), port_}, 16);
    if (!listener) {
      log_.error("cannot serve TCP port ", port_, ": ", listener.error(),
                 "; choose another with --port");
      co_return 64;
    }
    log_.info("streaming on port ", port_);
    fata::async::Scope connections(stop_);
    for (;;) {
      auto flow = co_await (*listener)->accept(fata::async::Wait::cancelled_by(stop_));
      if (!flow) break;
      connections.spawn(serve(this, std::move(*flow)));
    }
    co_await connections.join();
    co_return 0;
  }

 private:
  using Flow = typename Tcp::Flow;

  static fata::async::Task<void> serve(Stream* self, std::unique_ptr<Flow> flow) {
    const auto until_stopped = fata::async::Wait::cancelled_by(self->stop_);
    const auto first = co_await flow->read(until_stopped);
    if (!first || first->empty()) co_return;
    if (first->bytes()[0] == std::byte{'S'}) {
      for (;;) {
        const auto got = co_await flow->read(until_stopped);
        if (!got || got->empty()) co_return;
      }
    }
    fata::PacketBuf filled = flow->allocate(0, 0);
    if (!filled) co_return;
    (void)filled.append(filled.tailroom());
    const fata::Slice block(std::move(filled));
    for (;;) {
      std::array<fata::Slice, 4> out{block, block, block, block};
      const fata::sig::WriteOutcome written = co_await flow->write(out, until_stopped);
      if (written.error) break;
    }
    flow->abort();
  }

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Tcp& tcp_;
  std::uint16_t port_;
};

}  // namespace tcp_stream
