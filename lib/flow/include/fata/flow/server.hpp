// The skeleton of a server over a StreamTransport: accepts connections, serves each of them in a
// task of its own, and bounds their number, in all and for each client address.
//
// At a bound, a new connection is served and another one ends: within the bound of its client, the
// client's longest idle one; otherwise one that the crowd chooses (fata/flow/crowd.hpp). A client
// with many connections thus neither locks out others nor itself.
//
//   Task<void> talk(Mine* self, std::unique_ptr<Flow> flow, async::Scope* connections) {
//     const auto until_stopped = async::Wait::cancelled_by(connections->token());
//     Server::Connection connection(self->server_, *flow);
//     ... connection.touch();                       // whenever the client was active
//   }
//   co_await server_.serve(listener, stop, this, &talk);
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <utility>

#include "fata/async/scope.hpp"
#include "fata/flow/crowd.hpp"
#include "fata/sig/flow.hpp"

namespace fata::flow {

// Values outside of a range count as its nearest one.
struct ServerBounds {
  static constexpr std::size_t kMax = 65536;
  std::size_t connections = 250;  // in all, 1 to kMax
  std::size_t per_client = kMax;  // of one address, 1 to kMax
};

template <sig::StreamTransport Streams>
class Server {
 public:
  using Flow = typename Streams::Flow;
  using Listener = typename Streams::Listener;

  explicit Server(ServerBounds bounds)
      : bounds_{std::clamp<std::size_t>(bounds.connections, 1, ServerBounds::kMax),
                std::clamp<std::size_t>(bounds.per_client, 1, ServerBounds::kMax)},
        crowd_(bounds_.connections + kLeaving) {}

  // A connection that is being served, from the start of its task to its end. Ends another one if
  // there is one too many.
  class Connection : public Crowd::Member {
   public:
    Connection(Server& server, Flow& flow)
        : Member(server.crowd_, address_of(flow)), server_(&server), flow_(&flow) {
      server.make_room(*this);
    }
    // The client was active now.
    void touch() { server_->crowd_.touch(*this); }

   protected:
    // Called in favour of a newer connection.
    void end() noexcept override { flow_->abort(); }

   private:
    Server* server_;
    Flow* flow_;
  };

  // Serves until `stop` is cancelled or accepting fails, and returns that error. Then the token of
  // the scope is cancelled, on which `talk` must wait, and all connections have ended when this
  // returns.
  template <class Self>
  async::Task<Result<void>> serve(Listener* listener, async::CancelToken stop, Self* self,
                                  async::Task<void> (*talk)(Self*, std::unique_ptr<Flow>,
                                                            async::Scope*)) {
    async::Scope connections(stop);
    Result<void> outcome{};
    for (;;) {
      Result<std::unique_ptr<Flow>> flow =
          co_await listener->accept(async::Wait::cancelled_by(stop));
      if (!flow) {
        if (!flow.error().is(async::Errc::kCancelled)) outcome = fail(flow.error());
        break;
      }
      ++accepted_;
      // Beyond the bound, each new connection evicts another one, which takes a turn of the loop.
      // If the loop waited for each eviction, further connections would stay in the listener's
      // backlog, where none is evicted.
      const auto room = co_await connections.below(bounds_.connections + kLeaving,
                                                   async::Wait::cancelled_by(stop));
      if (!room) break;
      connections.spawn(talk(self, std::move(*flow), &connections));
    }
    co_await connections.stop();
    co_return outcome;
  }

  std::uint64_t accepted() const { return accepted_; }
  // Connections that were ended for newer ones.
  std::uint64_t gave_way() const { return gave_way_; }

  // The client's address. All clients of a transport without IP are one.
  static IpAddress address_of(const Flow& flow) {
    if constexpr (std::same_as<typename Flow::Address, Endpoint>) {
      return flow.peer().address;
    } else {
      return {};
    }
  }

 private:
  static constexpr std::size_t kLeaving = 128;  // evicted connections that have not ended yet

  void make_room(const Connection& added) {
    if (crowd_.of_client(added) > bounds_.per_client) {
      gave_way_ += crowd_.end_one_of(added);
    } else if (crowd_.size() > bounds_.connections) {
      gave_way_ += crowd_.end_one();
    }
  }

  ServerBounds bounds_;
  Crowd crowd_;  // outlives the connections, which end before serve() does
  std::uint64_t accepted_ = 0;
  std::uint64_t gave_way_ = 0;
};

}  // namespace fata::flow
