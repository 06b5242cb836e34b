// DNS over TCP by RFC 7766: pipelined queries, answers in order, bounded connections, an idle
// time-out that shrinks when connections run short.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "fata/async/scope.hpp"
#include "fata/base/counter.hpp"
#include "fata/dns/engine.hpp"
#include "fata/dns/stream_reader.hpp"
#include "fata/flow/crowd.hpp"
#include "fata/sig/flow.hpp"

namespace fata::dns {

struct TcpServerConfig {
  std::size_t max_connections = 250;
  Duration idle = seconds(10);  // for a whole query to come, and for answers to be taken
  // The same once three quarters of the connections are in use.
  Duration idle_crowded = milliseconds(500);
  // Octets of a query. A longer one ends its conversation: the questions that this server answers
  // need 512, and with padding (RFC 8467) some hundred more.
  std::size_t max_query = 4096;
  // Octets that all conversations hold together of queries that are not yet whole, beyond the first
  // StreamReader::kOwn of each. A conversation that would need more ends.
  std::size_t max_gathered = 256 << 10;
  Guard* guard = nullptr;  // for cookies; TCP is not limited
};

template <sig::Tcp Tcp>
class TcpServer {
 public:
  using Flow = typename Tcp::Flow;
  enum Count : std::size_t { kAccepted, kTimedOut, kBroken, kTooLong, kNoRoom, kGaveWay, kCounts };

  TcpServer(Engine& engine, Tcp& tcp, TcpServerConfig config)
      : engine_(&engine),
        tcp_(&tcp),
        config_(config),
        gathered_(config.max_gathered),
        crowd_(config.max_connections + kLeaving),
        scratch_(std::make_unique<Scratch>()) {}

  // Serves until `stop` is cancelled; connections that are open then are aborted.
  async::Task<Result<void>> serve(typename Tcp::Listener* listener, async::CancelToken stop) {
    async::Scope connections(stop);
    Result<void> outcome{};
    for (;;) {
      Result<std::unique_ptr<Flow>> flow =
          co_await listener->accept(async::Wait::cancelled_by(stop));
      if (!flow) {
        if (!flow.error().is(async::Errc::kCancelled)) outcome = fail(flow.error());
        break;
      }
      ++counters_[kAccepted];
      // Beyond the bound each that begins ends another one, which takes a turn of the loop. To wait
      // for each would leave the others to the listener's backlog, where nothing gives way.
      const auto room = co_await connections.below(config_.max_connections + kLeaving,
                                                   async::Wait::cancelled_by(stop));
      if (!room) break;
      connections.spawn(converse(this, std::move(*flow), &connections));
    }
    co_await connections.stop();
    co_return outcome;
  }

  std::span<const Counter> counters() const { return counters_; }

 private:
  // Slices that one write carries. The largest answer needs kMostSlices of them, with buffers of at
  // least 4 KiB; smaller buffers end a conversation at the first answer that does not fit.
  static constexpr std::size_t kPipelined = 48;
  static constexpr std::size_t kMostSlices = 18;
  static constexpr std::size_t kMaxDropped = 65536;
  static constexpr std::size_t kLeaving = 128;  // connections that gave way and have not ended yet

  async::Wait patience(async::Scope* connections) const {
    const bool crowded = connections->running() * 4 > config_.max_connections * 3;
    return async::Wait::at_most(crowded ? config_.idle_crowded : config_.idle,
                                connections->token());
  }

  static async::Task<void> converse(TcpServer* self, std::unique_ptr<Flow> flow,
                                    async::Scope* connections) {
    StreamReader reader(&self->gathered_, self->config_.max_query);
    Conversation conversation(self->crowd_, *flow);
    if (self->crowd_.size() > self->config_.max_connections && self->crowd_.end_one())
      ++self->counters_[kGaveWay];
    for (;;) {
      // The deadline is that of the whole next query: one that comes an octet a second does not
      // hold the connection.
      const async::Wait wait = self->patience(connections);
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
      self->crowd_.touch(conversation);
      co_await async::yield();
    }
  }

  struct Conversation final : flow::Crowd::Member {
    Conversation(flow::Crowd& crowd, Flow& flow)
        : Member(crowd, flow.peer().address), flow_(&flow) {}
    void end() noexcept override { flow_->abort(); }
    Flow* flow_;
  };

  // What follows the answers to the queries that have come.
  enum class Next : std::uint8_t { kQueries, kClose, kAbort };

  // True, and counted, if the reader takes no more of its stream.
  bool refused(Gathered found) {
    if (found == Gathered::kTooLong) return ++counters_[kTooLong], true;
    if (found == Gathered::kNoRoom) return ++counters_[kNoRoom], true;
    return false;
  }

  // Answers `query` and whatever whole queries came with it, in as few writes as may be. What is
  // not a query ends the conversation, after the answers to those before it.
  async::Task<Next> answer_all(StreamReader* reader, Bytes query, Flow* flow,
                               async::Scope* connections) {
    std::array<Slice, kPipelined> out;
    std::size_t used = 0;
    PacketBuf packet;
    for (;;) {
      if (config_.guard != nullptr) config_.guard->set_time(async::current_loop().now());
      const std::size_t size =
          engine_->answer(query, MutableBytes(*scratch_).subspan(2), Transport::kTcp, config_.guard,
                          flow->peer().address);
      bool good = size != 0 && pack(size, out, used, packet);
      const Gathered found = good ? reader->next(query) : Gathered::kNothing;
      const bool more = found == Gathered::kMessage;
      if (refused(found)) good = false;
      if (more && used + kMostSlices <= out.size()) continue;
      if (packet && packet.size() != 0) out[used++] = Slice(std::move(packet));
      sig::WriteOutcome written;
      if (used != 0)
        written = co_await flow->write(std::span(out).first(used), patience(connections));
      if (written.error) {
        ++counters_[written.error->is(async::Errc::kTimedOut) ? kTimedOut : kBroken];
        co_return Next::kAbort;
      }
      if (!more) co_return good ? Next::kQueries : Next::kClose;
      used = 0;
    }
  }

  // Appends the answer of `size` octets that lies in the scratch memory to `packet`, which goes to
  // `out` when it is full. False, and nothing of this answer is left, if there are no buffers for
  // it. No await may come before it: all connections share the scratch memory.
  bool pack(std::size_t size, std::array<Slice, kPipelined>& out, std::size_t& used,
            PacketBuf& packet) {
    store_be(MutableBytes(*scratch_), static_cast<std::uint16_t>(size));
    const std::size_t used_before = used, size_before = packet.size();
    Bytes rest = Bytes(*scratch_).first(size + 2);
    while (!rest.empty()) {
      if (packet && packet.tailroom() == 0) out[used++] = Slice(std::move(packet));
      if (!packet) packet = tcp_->allocate();
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

  // Ends the conversation so that the peer reads what was written: a reset, which unread octets
  // would cause, could overtake it. What the peer still sends is dropped, up to kMaxDropped octets.
  async::Task<void> close(Flow* flow, async::Scope* connections) {
    const async::Wait wait = patience(connections);
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
  Tcp* tcp_;
  TcpServerConfig config_;
  GatherBudget gathered_;             // outlives the conversations, which serve() ends
  flow::Crowd crowd_;                 // as well
  std::unique_ptr<Scratch> scratch_;  // one answer of the largest size, between two awaits
  std::array<Counter, kCounts> counters_{Counter{"accepted"}, Counter{"timed_out"},
                                         Counter{"broken"},   Counter{"too_long"},
                                         Counter{"no_room"},  Counter{"gave_way"}};
};

}  // namespace fata::dns
