// The name server's connections over streams, with any slicing of the input and slow readers.
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "fata/base/pool.hpp"
#include "fata/dns/tcp_server.hpp"
#include "fata/flow/pair.hpp"
#include "fata/sim/platform.hpp"

namespace fata {
namespace {

using flow::PairEnd;

// A TCP whose listener accepts the given flows at once. The buffers of its flows are small, so that
// answers span several.
class OneFlowTcp {
 public:
  using Address = Endpoint;
  using Flow = PairEnd;
  class Listener {
   public:
    using Flow = PairEnd;
    explicit Listener(std::unique_ptr<PairEnd> flow) { add(std::move(flow)); }
    void add(std::unique_ptr<PairEnd> flow) { flows_.push_back(std::move(flow)); }
    Endpoint local() { return {}; }
    async::Task<Result<std::unique_ptr<PairEnd>>> accept(async::Wait wait) {
      if (flows_.empty()) {
        (void)co_await async::sleep_until(wait.deadline, wait.token);
        co_return fail(Error(async::Errc::kCancelled));
      }
      std::unique_ptr<PairEnd> flow = std::move(flows_.front());
      flows_.pop_front();
      co_return flow;
    }

   private:
    std::deque<std::unique_ptr<PairEnd>> flows_;
  };

  explicit OneFlowTcp(std::size_t buffers) : pool(buffers, 64) {}
  Result<std::unique_ptr<Listener>> listen(Endpoint, std::size_t) {
    return fail(Error(sig::FlowErrc::kRefused));
  }
  async::Task<Result<std::unique_ptr<PairEnd>>> connect(sig::Target<Endpoint>, async::Wait) {
    co_return fail(Error(sig::FlowErrc::kRefused));
  }

  BufferPool pool;
};
static_assert(sig::Tcp<OneFlowTcp>);

std::string framed(std::string_view message) {
  return std::string{static_cast<char>(message.size() >> 8),
                     static_cast<char>(message.size() & 0xff)} +
         std::string(message);
}
std::string query(unsigned id) {
  return framed(std::string{0, static_cast<char>(id)} + std::string("\1\0\0\1\0\0\0\0\0\0", 10) +
                std::string("\3www\1t\0\0\1\0\1", 11));
}
// The ids of the answers in a stream, which must hold nothing else.
std::vector<unsigned> numbers(std::string_view stream) {
  std::vector<unsigned> found;
  while (stream.size() >= 2) {
    const std::size_t size = load_be<std::uint16_t>(as_bytes(stream));
    if (size < 12 || stream.size() < 2 + size) break;
    found.push_back(static_cast<unsigned char>(stream[3]));
    stream.remove_prefix(2 + size);
  }
  EXPECT_TRUE(stream.empty()) << "half an answer";
  return found;
}

struct Talk {
  std::string sent{};
  std::size_t slice = 1000;      // octets in each write
  std::size_t capacity = 10000;  // of the stream, each way
  std::size_t buffers = 64;      // the server has for answers
  bool closes = false;           // the client shuts its side after the last octet
  std::string received{};
  bool ended = false;  // by end-of-stream
};

async::Task<void> serve(dns::TcpServer<OneFlowTcp>* server, OneFlowTcp::Listener* listener,
                        async::CancelToken stop) {
  EXPECT_TRUE(co_await server->serve(listener, stop));
}
async::Task<void> write(Talk* talk, PairEnd* flow, BufferPool* pool) {
  std::string_view rest = talk->sent;
  while (!rest.empty()) {
    const std::size_t count = std::min(talk->slice, rest.size());
    std::array<Slice, 1> out{Slice(pool->copy(as_bytes(rest.substr(0, count))))};
    if ((co_await flow->write(out, async::Wait::at_most(seconds(5)))).error) break;
    rest.remove_prefix(count);
    co_await async::sleep(milliseconds(1));
  }
  if (talk->closes) (void)co_await flow->shutdown();
}
async::Task<void> converse(Talk* talk) {
  BufferPool pool(256, 1024);
  dns::Engine engine;
  EXPECT_TRUE(
      engine.load("t", "$ORIGIN t.\n$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\nwww A 192.0.2.1\n"));
  engine.build();
  OneFlowTcp tcp(talk->buffers);
  dns::TcpServer<OneFlowTcp> server(engine, {});
  auto [near, far] = flow::make_pair(talk->capacity, tcp.pool);
  OneFlowTcp::Listener listener(std::move(far));
  async::Scope scope;
  scope.spawn(serve(&server, &listener, scope.token()));
  scope.spawn(write(talk, near.get(), &pool));
  for (;;) {
    const Result<Slice> got = co_await near->read(async::Wait::at_most(seconds(5)));
    talk->ended = got && got->empty();
    if (!got || got->empty()) break;
    talk->received += got->text();
  }
  co_await async::sleep(seconds(61));  // until all writes have ended

  near.reset();
  scope.cancel();
  co_await scope.join();
}
std::vector<unsigned> answers_to(Talk& talk) {
  sim::Platform platform;
  platform.run([&] { return converse(&talk); });
  return numbers(talk.received);
}

struct Bad {
  const char* what;
  std::string message;
};
std::vector<Bad> bad_messages() {
  std::string response = query(2);
  response[4] = static_cast<char>(0x81);
  return {{"a length of 0", framed("")},
          {"less than a header", framed("abc")},
          {"one octet less than a header", framed(std::string(11, 0))},
          {"a response", response},
          {"garbage", framed(std::string(40, '\xff'))},
          {"the longest message", framed(std::string(65535, '\xff'))}};
}

TEST(DnsTcp, WhatCameBeforeABadMessageIsAnsweredThenItCloses) {
  for (const Bad& bad : bad_messages()) {
    for (const std::size_t slice : {1U, 2U, 3U, 7U, 31U, 1000U}) {
      if (bad.message.size() > 1000 && slice < 31) continue;
      for (const std::size_t capacity : {1U, 40U, 100000U}) {
        if (bad.message.size() > 1000 && capacity < 40) continue;
        SCOPED_TRACE(std::string(bad.what) + ", slices of " + std::to_string(slice) +
                     ", room for " + std::to_string(capacity));
        Talk talk{.sent = query(1) + query(2) + bad.message + query(3),
                  .slice = slice,
                  .capacity = capacity};
        EXPECT_EQ(answers_to(talk), (std::vector<unsigned>{1, 2}));
        EXPECT_TRUE(talk.ended);
      }
    }
  }
}

TEST(DnsTcp, ABadMessageAloneClosesWithoutAnAnswer) {
  for (const Bad& bad : bad_messages()) {
    SCOPED_TRACE(bad.what);
    Talk talk{.sent = bad.message};
    EXPECT_TRUE(answers_to(talk).empty());
    EXPECT_TRUE(talk.ended);
  }
}

TEST(DnsTcp, AMessageThatIsNeverWholeEndsWithTheStream) {
  Talk talk{.sent = query(1) + query(2).substr(0, 20), .closes = true};
  EXPECT_EQ(answers_to(talk), std::vector<unsigned>{1});
  EXPECT_TRUE(talk.ended);
}

TEST(DnsTcp, AQueryThatIsNotUnderstoodIsAnsweredAndTheConversationGoesOn) {
  const std::string formerr =
      framed(std::string{0, 2} + std::string(10, 0) + std::string(4000, 'x'));
  Talk talk{.sent = query(1) + formerr + query(3), .closes = true};
  EXPECT_EQ(answers_to(talk), (std::vector<unsigned>{1, 2, 3}));
}

TEST(DnsTcp, ManyQueriesAreAnsweredWhileAnswersAreTakenSlowly) {
  Talk talk{.capacity = 20, .buffers = 256, .closes = true};
  std::vector<unsigned> want;
  for (unsigned i = 1; i <= 200; ++i) {
    talk.sent += query(i);
    want.push_back(i);
  }
  EXPECT_EQ(answers_to(talk), want);
  EXPECT_TRUE(talk.ended);
}

TEST(DnsTcp, WithoutBuffersWholeAnswersComeBeforeTheEnd) {
  for (const std::size_t buffers : {1U, 2U, 3U, 4U, 5U}) {
    SCOPED_TRACE(buffers);
    Talk talk{.buffers = buffers};
    for (unsigned i = 1; i <= 20; ++i) talk.sent += query(i);
    const std::vector<unsigned> got = answers_to(talk);
    EXPECT_EQ(got.size(), buffers * 64 / 41) << "answers of 41 octets in buffers of 64";
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], i + 1);
    EXPECT_TRUE(talk.ended);
  }
}

// More connections arrive in one turn of the loop than the server and its listener hold. The newest
// is served.
async::Task<void> come_at_once(std::size_t count) {
  BufferPool pool(16, 1024);
  dns::Engine engine;
  EXPECT_TRUE(
      engine.load("t", "$ORIGIN t.\n$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\nwww A 192.0.2.1\n"));
  engine.build();
  OneFlowTcp tcp(64);
  dns::TcpServer<OneFlowTcp> server(engine, {.max_connections = 8});
  std::vector<std::unique_ptr<PairEnd>> clients;
  auto [first, far] = flow::make_pair(1000, tcp.pool);
  OneFlowTcp::Listener listener(std::move(far));
  clients.push_back(std::move(first));
  while (clients.size() < count) {
    auto [near, other] = flow::make_pair(1000, tcp.pool);
    listener.add(std::move(other));
    clients.push_back(std::move(near));
  }
  std::array<Slice, 1> out{Slice(pool.copy(as_bytes(query(7))))};
  EXPECT_FALSE((co_await clients.back()->write(out)).error);
  async::Scope scope;
  scope.spawn(serve(&server, &listener, scope.token()));
  // This wait is shorter than the timeout of idle connections.
  const Result<Slice> got = co_await clients.back()->read(async::Wait::at_most(milliseconds(400)));
  EXPECT_TRUE(got);
  if (got) EXPECT_EQ(numbers(got->text()), std::vector<unsigned>{7});
  std::size_t open = 0;
  for (const auto& client : clients) {
    const Result<Slice> end = co_await client->read(async::Wait::at_most(milliseconds(1)));
    open += !end && end.error().is(async::Errc::kTimedOut);
  }
  EXPECT_EQ(open, std::min<std::size_t>(count, 8));
  clients.clear();
  scope.cancel();
  co_await scope.join();
}

TEST(DnsTcpCrowd, TheNewestConnectionIsServedHoweverManyComeAtOnce) {
  for (const std::size_t count : {1U, 8U, 9U, 136U, 137U, 138U, 500U}) {
    sim::Platform platform;
    platform.run([&] { return come_at_once(count); });
  }
}

}  // namespace
}  // namespace fata
