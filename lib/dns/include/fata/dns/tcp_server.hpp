// DNS over TCP by RFC 7766: pipelined queries, answers in order, bounded connections, and an idle
// timeout that shrinks when connections are scarce.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "fata/async/scope.hpp"
#include "fata/base/counter.hpp"
#include "fata/dns/engine.hpp"
#include "fata/dns/stream_reader.hpp"
#include "fata/dns/timed_guard.hpp"
#include "fata/flow/server.hpp"
#include "fata/sig/flow.hpp"

namespace fata::dns {

struct TcpServerConfig {
  std::size_t max_connections = 250;
  // Timeout for a whole query to arrive, and for answers to be accepted.
  Duration idle = seconds(10);
  // The timeout once three quarters of the connections are in use.
  Duration idle_crowded = milliseconds(500);
  // Maximum octets of a query. A longer one ends its connection. The questions that this server
  // answers need 512, and some hundred more with padding (RFC 8467).
  std::size_t max_query = 4096;
  // Maximum octets of incomplete queries on all connections, beyond the first StreamReader::kOwn of
  // each. A connection that needs more ends.
  std::size_t max_gathered = 256 << 10;
  TimedGuard guard{};  // for cookies; TCP is not limited
};

template <sig::StreamTransport Streams>
class TcpServer {
 public:
  using Flow = typename Streams::Flow;
  enum Count : std::size_t { kAccepted, kTimedOut, kBroken, kTooLong, kNoRoom, kGaveWay, kCounts };

  TcpServer(Engine& engine, TcpServerConfig config)
      : engine_(&engine),
        config_(config),
        gathered_(config.max_gathered),
        server_({.connections = config.max_connections}),
        scratch_(std::make_unique<Scratch>()) {}

  // Serves until `stop` is cancelled; connections still open then are aborted.
  async::Task<Result<void>> serve(typename Streams::Listener* listener, async::CancelToken stop) {
    return server_.serve(listener, stop, this, &converse);
  }

  std::span<const Counter> counters() {
    counters_[kAccepted].value = server_.accepted();
    counters_[kGaveWay].value = server_.gave_way();
    return counters_;
  }

 private:
  using Server = flow::Server<Streams>;

  // Slices per write. The largest answer needs kMaxSlices of them, with buffers of at least 4 KiB;
  // with smaller buffers, the first answer that does not fit ends a connection.
  static constexpr std::size_t kPipelined = 48;
  static constexpr std::size_t kMaxSlices = 18;
  static constexpr std::size_t kMaxDropped = 65536;

  async::Wait timeout(async::Scope* connections) const {
    const bool crowded = connections->running() * 4 > config_.max_connections * 3;
    return async::Wait::at_most(crowded ? config_.idle_crowded : config_.idle,
                                connections->token());
  }

  static async::Task<void> converse(TcpServer* self, std::unique_ptr<Flow> flow,
                                    async::Scope* connections) {
    StreamReader reader(&self->gathered_, self->config_.max_query);
    typename Server::Connection connection(self->server_, *flow);
    for (;;) {
      // The deadline applies to the whole next query, so that a trickle of octets cannot hold the
      // connection.
      const async::Wait wait = self->timeout(connections);
      Bytes query;
      Gathered found;
      while ((found = reader.next(query)) == Gathered::kNothing) {
        Result<Slice> more = co_await flow->read(wait);
        if (!more || more->empty()) {
          if (!more)
            ++self->counters_[more.error().is(async::Errc::kTimedOut) ? kTimedOut : kBroken];
          if (more) (void)co_await flow->shutdown(wait);
          co_return;
        }
        reader.push(std::move(*more));
      }
      Next then = Next::kClose;
      if (!self->refused(found))
        then = co_await self->answer_all(&reader, query, flow.get(), connections);
      switch (then) {
        case Next::kQueries:
          break;
        case Next::kClose:
          co_await self->close(flow.get(), connections);
          co_return;
        case Next::kAbort:
          flow->abort();
          co_return;
      }
      connection.touch();
      co_await async::yield();
    }
  }

  // The next step after answering the queries received so far.
  enum class Next : std::uint8_t { kQueries, kClose, kAbort };

  // True, and counted, if the reader accepts no more of its stream.
  bool refused(Gathered found) {
    if (found == Gathered::kTooLong) return ++counters_[kTooLong], true;
    if (found == Gathered::kNoRoom) return ++counters_[kNoRoom], true;
    return false;
  }

  // Answers `query` and all complete queries that arrived with it, in as few writes as possible. A
  // message that is not a query ends the connection after the answers to those before it.
  async::Task<Next> answer_all(StreamReader* reader, Bytes query, Flow* flow,
                               async::Scope* connections) {
    std::array<Slice, kPipelined> out;
    std::size_t used = 0;
    PacketBuf packet;
    for (;;) {
      config_.guard.set_time();
      const std::size_t size =
          engine_->answer(query, MutableBytes(*scratch_).subspan(2), Transport::kTcp,
                          config_.guard.guard, Server::address_of(*flow));
      bool good = size != 0 && pack(size, flow, out, used, packet);
      const Gathered found = good ? reader->next(query) : Gathered::kNothing;
      const bool more = found == Gathered::kMessage;
      if (refused(found)) good = false;
      if (more && used + kMaxSlices <= out.size()) continue;
      if (packet && packet.size() != 0) out[used++] = Slice(std::move(packet));
      sig::WriteOutcome written;
      if (used != 0)
        written = co_await flow->write(std::span(out).first(used), timeout(connections));
      if (written.error) {
        ++counters_[written.error->is(async::Errc::kTimedOut) ? kTimedOut : kBroken];
        co_return Next::kAbort;
      }
      if (!more) co_return good ? Next::kQueries : Next::kClose;
      used = 0;
    }
  }

  // Appends the answer of `size` octets in the scratch memory to `packet`, which moves to `out`
  // when full. False if buffers run out; then nothing of this answer remains. No await may come
  // before it, since all connections share the scratch memory.
  bool pack(std::size_t size, Flow* flow, std::array<Slice, kPipelined>& out, std::size_t& used,
            PacketBuf& packet) {
    store_be(MutableBytes(*scratch_), static_cast<std::uint16_t>(size));
    const std::size_t used_before = used, size_before = packet.size();
    Bytes rest = Bytes(*scratch_).first(size + 2);
    while (!rest.empty()) {
      if (packet && packet.tailroom() == 0) out[used++] = Slice(std::move(packet));
      if (!packet) packet = flow->allocate(0, 0);
      if (!packet || used == out.size()) {
        if (used == used_before) {
          if (packet) packet.truncate(size_before);
          return false;
        }
        packet.reset();
        while (used > used_before + 1) out[--used] = {};
        out[used_before].truncate(size_before);
        if (size_before == 0) out[--used] = {};
        return false;
      }
      const std::size_t count = std::min(rest.size(), packet.tailroom());
      copy_bytes(packet.append(count), rest.first(count));
      rest = rest.subspan(count);
    }
    return true;
  }

  // Ends the connection so that the peer can still read the written data: unread octets would cause
  // a reset, which could overtake it. Further input is discarded, up to kMaxDropped octets.
  async::Task<void> close(Flow* flow, async::Scope* connections) {
    const async::Wait wait = timeout(connections);
    if (!co_await flow->shutdown(wait)) co_return;
    for (std::size_t dropped = 0; dropped < kMaxDropped;) {
      const Result<Slice> more = co_await flow->read(wait);
      if (!more || more->empty()) co_return;
      dropped += more->size();
      co_await async::yield();
    }
    flow->abort();
  }

  using Scratch = std::array<std::byte, 2 + 65535>;

  Engine* engine_;
  TcpServerConfig config_;
  GatherBudget gathered_;  // outlives the connections, which end before serve() does
  Server server_;
  std::unique_ptr<Scratch> scratch_;  // one answer of the largest size, between two awaits
  std::array<Counter, kCounts> counters_{Counter{"accepted"}, Counter{"timed_out"},
                                         Counter{"broken"},   Counter{"too_long"},
                                         Counter{"no_room"},  Counter{"gave_way"}};
};

}  // namespace fata::dns
