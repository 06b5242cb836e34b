// DNS over UDP: moves batches of datagrams between a socket and the engine.
#pragma once

#include <array>

#include "fata/async/wait.hpp"
#include "fata/base/counter.hpp"
#include "fata/dns/engine.hpp"
#include "fata/dns/timed_guard.hpp"
#include "fata/sig/udp.hpp"

namespace fata::dns {

// Serves until `stop` is cancelled (not an error) or the socket fails. Run one per socket; the
// engine may be shared with others on the same loop. `dropped` counts queries without a buffer for
// their answer.
template <sig::UdpSocket Socket>
async::Task<Result<void>> serve_udp(Engine* engine, Socket* socket, Counter* dropped,
                                    async::CancelToken stop, TimedGuard guard = {}) {
  constexpr std::size_t kBatch = 64;
  std::array<sig::RxDatagram, kBatch> queries;
  std::array<sig::TxDatagram, kBatch> answers;
  std::array<Exchange, kBatch> exchanges;
  // Answers are short, and source addresses may be spoofed: ICMP messages about one answer must not
  // affect others.
  socket->ignore_path();
  for (;;) {
    const Result<std::size_t> received = co_await socket->receive(
        std::span<sig::RxDatagram>(queries), async::Wait::cancelled_by(stop));
    if (!received) {
      if (received.error().is(async::Errc::kCancelled)) co_return Result<void>{};
      co_return fail(received.error());
    }
    std::size_t count = 0;
    for (; count < *received; ++count) {
      PacketBuf& answer = answers[count].payload = socket->allocate();
      if (!answer) break;
      exchanges[count] = {queries[count].payload.bytes(), answer.tail(), 0,
                          &queries[count].source.address};
    }
    *dropped += *received - count;
    guard.set_time();
    engine->answer_batch(std::span(exchanges).first(count), Transport::kUdp, guard.guard);
    std::size_t ready = 0;
    for (std::size_t i = 0; i < count; ++i) {
      sig::TxDatagram& answer = answers[i];
      if (exchanges[i].size == 0) {
        answer.payload.reset();
        continue;
      }
      (void)answer.payload.append(exchanges[i].size);
      answer.destination = queries[i].source;
      answer.source = queries[i].destination;
      if (ready != i) answers[ready] = std::move(answer);
      ++ready;
    }
    for (std::size_t i = 0; i < *received; ++i) queries[i].payload = {};
    const Result<void> sent =
        co_await socket->send(std::span(answers).first(ready), async::Wait::cancelled_by(stop));
    if (!sent && !sent.error().is(async::Errc::kCancelled)) co_return sent;
    co_await async::yield();
  }
}

}  // namespace fata::dns
