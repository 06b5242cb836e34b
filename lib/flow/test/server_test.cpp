#include "fata/flow/server.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "fata/async/wait.hpp"
#include "fata/sig/archetype.hpp"
#include "fata/sim/platform.hpp"

namespace fata::flow {
namespace {

// A transport whose clients say nothing: a connection ends when it is aborted.
struct Quiet {
  using Address = Endpoint;

  class Flow {
   public:
    using Address = Endpoint;
    Flow(std::uint8_t client, std::string& aborted) : client_(client), aborted_(&aborted) {}
    async::Task<Result<Slice>> read(async::Wait wait) {
      if (const auto woken = co_await ended_.wait(wait); !woken)
        co_return fail(Error(woken.error()));
      co_return fail(Error(async::Errc::kClosed));
    }
    async::Task<sig::WriteOutcome> write(std::span<Slice>, async::Wait) {
      co_return sig::WriteOutcome{};
    }
    async::Task<Result<void>> shutdown(async::Wait) { co_return Result<void>{}; }
    void abort() {
      *aborted_ += std::to_string(client_) + " ";
      ended_.notify_all();
    }
    PacketBuf allocate(std::size_t, std::size_t) { return {}; }
    Endpoint local() const { return {}; }
    Endpoint peer() const { return {Ipv4Address::of(10, 0, client_, 1), 1000}; }
    sig::Session session() const { return {}; }

   private:
    std::uint8_t client_;
    std::string* aborted_;
    async::WaitQueue ended_;
  };

  class Listener {
   public:
    using Flow = Quiet::Flow;
    Endpoint local() { return {}; }
    async::Task<Result<std::unique_ptr<Flow>>> accept(async::Wait wait) {
      while (coming.empty()) {
        if (broken) co_return fail(Error(async::Errc::kClosed));
        if (const auto woken = co_await changed.wait(wait); !woken)
          co_return fail(Error(woken.error()));
      }
      const std::uint8_t client = coming.front();
      coming.pop_front();
      co_return std::make_unique<Flow>(client, aborted);
    }
    std::deque<std::uint8_t> coming;
    bool broken = false;
    std::string aborted;  // the clients, in order
    async::WaitQueue changed;
  };

  Result<std::unique_ptr<Listener>> listen(Endpoint, std::size_t) {
    return fail(Error(async::Errc::kClosed));
  }
  async::Task<Result<std::unique_ptr<Flow>>> connect(sig::Target<Endpoint>, async::Wait) {
    co_return fail(Error(async::Errc::kClosed));
  }
};

class Reader {
 public:
  explicit Reader(ServerBounds bounds) : server(bounds) {}
  async::Task<Result<void>> serve(Quiet::Listener* listener, async::CancelToken stop) {
    return server.serve(listener, stop, this, &talk);
  }
  Server<Quiet> server;
  std::size_t open = 0;

 private:
  static async::Task<void> talk(Reader* self, std::unique_ptr<Quiet::Flow> flow,
                                async::Scope* connections) {
    const Server<Quiet>::Connection connection(self->server, *flow);
    ++self->open;
    (void)co_await flow->read(async::Wait::cancelled_by(connections->token()));
    --self->open;
  }
};

async::Task<void> serve_into(Reader* reader, Quiet::Listener* listener, async::CancelToken stop,
                             Result<void>* outcome) {
  *outcome = co_await reader->serve(listener, stop);
}

// Serves the clients in this order until all are quiet; returns those that were ended.
async::Task<void> run(ServerBounds bounds, std::deque<std::uint8_t> clients, bool breaks,
                      std::string* aborted, std::string* end) {
  async::CancelSource stop;
  Quiet::Listener listener;
  listener.coming = std::move(clients);
  Reader reader(bounds);
  const std::size_t count = listener.coming.size();
  async::Scope scope;
  Result<void> outcome{};
  scope.spawn(serve_into(&reader, &listener, stop.token(), &outcome));
  (void)co_await async::sleep(seconds(1));
  EXPECT_EQ(reader.server.accepted(), count);
  EXPECT_EQ(reader.open, count - reader.server.gave_way());
  if (breaks) {
    listener.broken = true;
    listener.changed.notify_all();
  } else {
    stop.cancel();
  }
  co_await scope.join();
  EXPECT_EQ(reader.open, 0);
  *end = outcome ? "stopped" : outcome.error().is(async::Errc::kClosed) ? "closed" : "other";
  *aborted = listener.aborted;
}

struct Outcome {
  std::string aborted, end;
};
Outcome served(ServerBounds bounds, std::deque<std::uint8_t> clients, bool breaks = false) {
  sim::Platform platform;
  Outcome outcome;
  platform.run(
      [&] { return run(bounds, std::move(clients), breaks, &outcome.aborted, &outcome.end); });
  return outcome;
}

TEST(Server, ServesEachConnectionUntilItIsStopped) {
  const Outcome outcome = served({.connections = 4}, {1, 2, 3, 4});
  EXPECT_EQ(outcome.aborted, "");
  EXPECT_EQ(outcome.end, "stopped");
}

TEST(Server, EndsAConnectionOfTheClientWithTheMostAboveTheBoundOfAll) {
  EXPECT_EQ(served({.connections = 3}, {1, 2, 2, 3}).aborted, "2 ");
  EXPECT_EQ(served({.connections = 3}, {1, 2, 3, 4}).aborted, "1 ");
  // Many at once.
  EXPECT_EQ(served({.connections = 2}, std::deque<std::uint8_t>(300, 7)).aborted.size(), 298 * 2);
}

TEST(Server, EndsTheLongestIdleOfAClientAboveItsOwnBound) {
  EXPECT_EQ(served({.connections = 10, .per_client = 2}, {1, 2, 2, 3, 2, 2, 1}).aborted, "2 2 ");
}

TEST(Server, ABoundOfZeroIsOne) {
  EXPECT_EQ(served({.connections = 0, .per_client = 0}, {1, 2, 3}).aborted, "1 2 ");
}

TEST(Server, ReturnsTheErrorOfAcceptingAndEndsItsConnections) {
  EXPECT_EQ(served({}, {1, 2}, true).end, "closed");
}

}  // namespace

// The driver uses nothing beyond its concept.
template class Server<sig::archetype::StreamTransport>;
template class Server<sig::archetype::Tcp>;

}  // namespace fata::flow
