// Sends every datagram back to its source, up to 64 per call.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/base/bytes.hpp>
#include <fata/sig/udp.hpp>

#include <array>
#include <cstdint>

namespace udp_echo {

template <fata::sig::Udp Udp>
class Echo {
 public:
  Echo(fata::async::Context& context, Udp& udp, std::uint16_t port)
      : stop_(context.stop), log_(context.logger("udp-echo")), udp_(udp), port_(port) {}

  fata::async::Task<int> start() {
    auto socket = udp_.bind({fata::IpAddress(), port_});
    if (!socket) {
      log_.error("cannot serve UDP port ", port_, ": ", socket.error(),
                 "; choose another with --port");
      co_return 64;
    }
    log_.info("echoing on port ", (*socket)->local().port);
    const auto served = co_await echo(socket->get());
    log_.info(echoed_, " datagrams echoed, ", dropped_, " dropped");
    if (served || served.error().is(fata::async::Errc::kCancelled)) co_return 0;
    log_.error(served.error());
    co_return 1;
  }

 private:
  // The hot path. It allocates only buffers from the stack's pool.
  fata::async::Task<fata::Result<void>> echo(typename Udp::Socket* socket) {
    using namespace fata;
    const async::Wait until_stopped = async::Wait::cancelled_by(stop_);
    std::array<sig::RxDatagram, kBatch> in;
    std::array<sig::TxDatagram, kBatch> out;
    for (;;) {
      const Result<std::size_t> count =
          co_await socket->receive(std::span<sig::RxDatagram>(in), until_stopped);
      if (!count) co_return fail(count.error());
      std::size_t ready = 0;
      for (sig::RxDatagram& datagram : std::span(in).first(*count)) {
        // Copies the payload instead of sending it in its receive buffer: while that buffer waited
        // in the transmit queue, the device would lack it for receiving.
        const Bytes payload = datagram.payload.bytes();
        sig::TxDatagram& answer = out[ready];
        answer.payload = socket->allocate();
        answer.destination = datagram.source;
        answer.source = datagram.destination;
        if (!answer.payload) {
          ++dropped_;
        } else if (payload.size() <= answer.payload.tailroom()) {
          copy_bytes(answer.payload.append(payload.size()), payload);
          ++ready;
        } else {
          // The datagram was reassembled from fragments, in memory that belongs to no device.
          answer.payload.chain().push(std::move(datagram.payload));
          ++ready;
        }
        datagram.payload = {};
      }
      echoed_ += ready;
      const Result<void> sent = co_await socket->send(std::span(out).first(ready), until_stopped);
      if (!sent) co_return sent;
      co_await async::yield();  // receive() may never wait; other tasks must run
    }
  }

  static constexpr std::size_t kBatch = 64;

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Udp& udp_;
  std::uint16_t port_;
  std::uint64_t echoed_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace udp_echo
