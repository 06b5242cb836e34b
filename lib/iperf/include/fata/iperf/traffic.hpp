// Traffic: moves the bytes of a test's streams, for server and client alike. One task per stream;
// each ends when its token is cancelled, its connection ends, or everything requested was sent.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "fata/async/loop.hpp"
#include "fata/async/scope.hpp"
#include "fata/iperf/control.hpp"
#include "fata/iperf/test.hpp"
#include "fata/sig/clock.hpp"
#include "fata/sig/flow.hpp"
#include "fata/sig/udp.hpp"

namespace fata::iperf {

// One buffer that a sender writes repeatedly without copying.
class Block {
 public:
  // Empty if out of memory.
  template <sig::Flow Flow>
  static Block make(Flow& flow, std::size_t length) {
    Block block;
    PacketBuf buffer = flow.allocate(0, 0);
    if (!buffer) return block;
    const MutableBytes filled = buffer.append(std::min(buffer.tailroom(), length));
    for (std::size_t i = 0; i < filled.size(); ++i)
      filled[i] = static_cast<std::byte>('0' + i % 10);
    block.piece_ = Slice(std::move(buffer));
    return block;
  }
  bool empty() const { return piece_.empty(); }
  // Sets `out` to `size` bytes made of the buffer.
  void fill(std::vector<Slice>& out, std::size_t size) const {
    out.clear();
    for (; size > piece_.size(); size -= piece_.size()) out.push_back(piece_);
    out.push_back(piece_.part(0, size));
  }

 private:
  Slice piece_;
};

// Shared by the tasks of a test. Must outlive them.
struct Traffic {
  Traffic(const async::Loop& loop, const Parameters& parameters, bool server)
      : loop(&loop), test(parameters, server) {}

  const async::Loop* loop;
  Test test;
  Block block;
  async::WaitQueue changed;  // a stream has ended, or everything was sent or received
  bool failed = false;       // a stream ended with an error

  void stream_ended(Stream& stream, bool well) {
    stream.ended = true;
    failed = failed || !well;
    changed.notify_all();
  }
};

inline constexpr std::size_t kBetweenYields = 256 << 10;  // bytes

// Waits until the pacing allows blocks; returns their number, or 0 if the token was cancelled.
inline async::Task<std::size_t> next_blocks(const async::Loop* loop, Pace* pace, std::size_t size,
                                            std::size_t most, async::CancelToken token) {
  for (;;) {
    const std::size_t count = pace->ready(loop->now(), size, most);
    if (count != 0 || token.cancelled()) co_return token.cancelled() ? 0 : count;
    (void)co_await async::sleep_until(pace->next(), token);
  }
}

// Disables Nagle's algorithm if the flow supports it.
template <sig::Flow Flow>
void send_small_at_once(Flow& flow) {
  if constexpr (requires { flow.set_options(flow.options()); }) {
    auto options = flow.options();
    options.no_delay = true;
    flow.set_options(options);
  }
}

template <sig::Flow Flow>
std::int64_t retransmits(const Flow& flow) {
  if constexpr (requires { flow.stats().retransmits; }) {
    return static_cast<std::int64_t>(flow.stats().retransmits);
  } else {
    return -1;
  }
}

template <sig::Flow Flow>
async::Task<void> send_bytes(Traffic* traffic, Stream* stream, Flow* flow,
                             async::CancelToken token) {
  const Parameters& parameters = traffic->test.parameters();
  Pace pace(parameters.rate, traffic->loop->now());
  std::vector<Slice> out;
  std::size_t since_yield = 0;
  bool well = true;
  while (co_await next_blocks(traffic->loop, &pace, parameters.length, 1, token) != 0) {
    const std::uint64_t left = traffic->test.left_to_send();
    if (left == 0) break;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(parameters.length, left));
    traffic->block.fill(out, size);
    const sig::WriteOutcome written = co_await flow->write(out, async::Wait::cancelled_by(token));
    stream->count(written.accepted);
    pace.sent(written.accepted);
    if (written.error) {
      well = written.error->is(async::Errc::kCancelled);
      break;
    }
    since_yield += size;
    if (since_yield >= kBetweenYields || size < 4096) {
      since_yield = 0;
      co_await async::yield();
    }
  }
  traffic->stream_ended(*stream, well);
}

template <sig::Flow Flow>
async::Task<void> receive_bytes(Traffic* traffic, Stream* stream, Flow* flow,
                                async::CancelToken token) {
  std::size_t since_yield = 0;
  bool well = true;
  for (;;) {
    const Result<Slice> got = co_await flow->read(async::Wait::cancelled_by(token));
    if (!got || got->empty()) {
      well = got || got.error().is(async::Errc::kCancelled);
      break;
    }
    // Data after the end of the test is drained: a blocked sender may not read the end message.
    if (!traffic->test.over()) stream->count(got->size());
    if (traffic->test.complete()) traffic->changed.notify_all();
    if ((since_yield += got->size()) >= kBetweenYields) {
      since_yield = 0;
      co_await async::yield();
    }
  }
  traffic->stream_ended(*stream, well);
}

template <sig::Clock Clock>
Duration since_epoch(Clock& clock) {
  return {clock.now().ns};
}

// Sends datagrams to one peer. The length is limited to the largest payload without fragmentation.
template <sig::UdpSocket Socket, sig::Clock Clock>
async::Task<void> send_datagrams(Traffic* traffic, Stream* stream, Socket* socket, Clock* clock,
                                 Endpoint to, IpAddress from, async::CancelToken token) {
  constexpr std::size_t kBatch = 32;
  const Parameters& parameters = traffic->test.parameters();
  const std::size_t length = std::min<std::size_t>(parameters.length, socket->max_payload());
  Pace pace(parameters.rate, traffic->loop->now());
  std::array<sig::TxDatagram, kBatch> out;
  bool well = true;
  while (const std::size_t ready =
             co_await next_blocks(traffic->loop, &pace, length, kBatch, token)) {
    const std::uint64_t left = traffic->test.left_to_send();
    if (left == 0) break;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(ready, left / length + 1));
    std::size_t count = 0;
    const Duration now = since_epoch(*clock);
    for (; count < wanted; ++count) {
      PacketBuf& packet = out[count].payload = socket->allocate();
      if (!packet || packet.tailroom() < length) break;
      const MutableBytes bytes = packet.append(length);
      std::ranges::fill(bytes, std::byte{'0'});
      Stamp{now, ++stream->number}.write(bytes, parameters.counters_64bit);
      out[count].destination = to;
      out[count].source = from;
    }
    if (count == 0) {  // all buffers are in flight
      (void)co_await async::sleep(milliseconds(1), token);
      continue;
    }
    const Result<void> sent =
        co_await socket->send(std::span(out).first(count), async::Wait::cancelled_by(token));
    stream->packets += count;
    stream->count(count * length);
    pace.sent(count * length);
    if (!sent) {
      well = sent.error().is(async::Errc::kCancelled);
      break;
    }
    co_await async::yield();
  }
  traffic->stream_ended(*stream, well);
}

// Counts a received datagram of a stream.
inline void count_datagram(Traffic& traffic, Stream& stream, Bytes datagram, Duration now) {
  const bool wide = traffic.test.parameters().counters_64bit;
  if (traffic.test.over() || datagram.size() < (wide ? Stamp::kSize64 : Stamp::kSize)) return;
  stream.count(datagram.size());
  stream.arrivals.add(Stamp::read(datagram, wide), now);
}

// Sends an engine's output, copied into buffers of the flow.
template <sig::Flow Flow>
async::Task<Result<void>> send_output(Flow* flow, Control* control, async::Wait wait) {
  const std::vector<std::byte> bytes = control->output();
  Bytes rest(bytes);
  while (!rest.empty()) {
    PacketBuf packet = flow->allocate(0, 0);
    if (!packet) co_return fail(Error(Errc::kNoMemory));
    const std::size_t count = std::min(rest.size(), packet.tailroom());
    copy_bytes(packet.append(count), rest.first(count));
    rest = rest.subspan(count);
    std::array<Slice, 1> out{Slice(std::move(packet))};
    const sig::WriteOutcome written = co_await flow->write(out, wait);
    if (written.error) co_return fail(*written.error);
  }
  co_return Result<void>{};
}

// The share of time in which the loop was not idle.
class BusyTime {
 public:
  explicit BusyTime(const async::Loop& loop) : loop_(&loop) {}
  void start() { start_ = loop_->now(), idle_ = loop_->stats().idle; }
  std::uint32_t permille() const {
    const Duration all = loop_->now() - start_;
    const Duration idle = loop_->stats().idle - idle_;
    return all.us() <= 0 ? 0
                         : static_cast<std::uint32_t>(std::clamp<std::int64_t>(
                               (all - idle).us() * 1000 / all.us(), 0, 1000));
  }

 private:
  const async::Loop* loop_;
  Instant start_{};
  Duration idle_{};
};

}  // namespace fata::iperf
