// Server: takes part in one test at a time, with any client, over any TCP, UDP and clock.
#pragma once

#include "fata/async/context.hpp"
#include "fata/iperf/traffic.hpp"

namespace fata::iperf {

struct ServerConfig {
  std::uint16_t port = kPort;
  bool one_off = false;            // end after one test
  Duration interval{};             // between lines about a test; 0: none
  Duration timeout = seconds(10);  // timeout for the peer's next step
  Duration stall = seconds(60);    // timeout without a byte in a test
};

template <sig::Tcp Tcp, sig::Udp Udp, sig::Clock Clock>
class Server {
 public:
  using Flow = typename Tcp::Flow;
  using Socket = typename Udp::Socket;

  Server(async::Context& context, Tcp& tcp, Udp& udp, Clock& clock, const ServerConfig& config)
      : loop_(&context.loop),
        stop_(context.stop),
        log_(context.logger("iperf")),
        tcp_(&tcp),
        udp_(&udp),
        clock_(&clock),
        config_(config) {}

  // Serves until a stop is requested or, with one_off, until a test has ended. Returns an exit
  // status.
  async::Task<int> serve() {
    auto listener = tcp_->listen({IpAddress(), config_.port}, kBacklog);
    if (!listener) {
      log_.error("cannot serve TCP port ", config_.port, ": ", listener.error(),
                 "; choose another with --port");
      co_return 64;
    }
    log_.info("serving on port ", config_.port);
    async::Scope visitors(stop_);
    visitors_ = &visitors;
    Result<void> served{};
    for (;;) {
      if (!co_await visitors.below(kMaxVisitors, async::Wait::cancelled_by(visitors.token())))
        break;
      auto flow = co_await (*listener)->accept(async::Wait::cancelled_by(visitors.token()));
      if (!flow) {
        if (!flow.error().is(async::Errc::kCancelled)) served = fail(flow.error());
        break;
      }
      visitors.spawn(greet(this, std::move(*flow)));
    }
    co_await visitors.stop();
    log_.info(tests_, " tests, ", failures_, " failed, ", refused_, " refused");
    if (!served) log_.error(served.error());
    co_return !served || (config_.one_off && failures_ != 0) ? 1 : 0;
  }

 private:
  static constexpr std::size_t kBacklog = 2 * kMaxStreams + 16;
  // Connections whose purpose is not yet known, and the test's control connection.
  static constexpr std::size_t kMaxVisitors = 64;

  // A stream's connection, and the number of bytes received after its cookie.
  struct Arrived {
    std::unique_ptr<Flow> flow;
    std::size_t bytes = 0;
  };

  // One test. Lives in the frame of converse().
  struct Session {
    Session(const async::Loop& loop, const Cookie& cookie, async::CancelToken stop)
        : cookie(cookie), busy(loop), scope(stop), streams_scope(scope.token()) {}

    Cookie cookie;
    // The control connection's peer, whose handshake proved that it receives data at this address.
    // Datagrams prove nothing, so no other address may become a destination.
    std::optional<IpAddress> client;
    Instant latest = Instant::never();  // latest end of the test, whatever the client sends
    ServerControl control;
    std::unique_ptr<Traffic> traffic;
    std::vector<Arrived> flows;
    std::unique_ptr<Socket> socket;
    // For datagrams: the peer's endpoint and the local address to answer from.
    std::vector<std::pair<Endpoint, IpAddress>> peers;
    bool gathering = false;
    BusyTime busy;
    async::WaitQueue changed;  // control has received bytes, or a stream was opened
    async::Scope scope;
    async::Scope streams_scope;
  };

  async::Wait timeout(async::CancelToken token) const {
    return async::Wait::at_most(config_.timeout, token);
  }

  static async::Task<void> greet(Server* self, std::unique_ptr<Flow> flow) {
    const async::CancelToken token = self->visitors_->token();
    const async::Wait wait = self->timeout(token);
    Cookie cookie{};
    std::size_t have = 0;
    Slice rest;
    while (have < cookie.size()) {
      Result<Slice> got = co_await flow->read(wait);
      if (!got || got->empty()) co_return;
      const std::size_t count = copy_bytes(MutableBytes(cookie).subspan(have), got->bytes());
      have += count;
      got->trim_front(count);
      rest = std::move(*got);
    }
    if (self->session_ == nullptr) {
      co_await converse(self, std::move(flow), cookie, std::move(rest));
      if (self->config_.one_off) self->visitors_->cancel();
      co_return;
    }
    Session& session = *self->session_;
    if (session.gathering && session.cookie == cookie &&
        session.flows.size() < session.traffic->test.streams().size()) {
      session.flows.push_back({std::move(flow), rest.size()});
      session.changed.notify_all();
      co_return;
    }
    ++self->refused_;
    PacketBuf packet = flow->allocate(0, 1);
    if (!packet) co_return;
    packet.append(1)[0] = static_cast<std::byte>(State::kAccessDenied);
    std::array<Slice, 1> out{Slice(std::move(packet))};
    (void)co_await flow->write(out, wait);
    (void)co_await flow->shutdown(wait);
  }

  static async::Task<void> converse(Server* self, std::unique_ptr<Flow> flow, Cookie cookie,
                                    Slice rest) {
    Session session(*self->loop_, cookie, self->visitors_->token());
    session.client = flow->peer().address;
    self->session_ = &session;
    ++self->tests_;
    send_small_at_once(*flow);
    if (!rest.empty()) session.control.receive(rest.bytes());
    rest = {};
    session.scope.spawn(listen(&session, flow.get()));
    const Result<void> done = co_await self->run(&session, flow.get());
    if (!done) {
      ++self->failures_;
      self->log_.warning("test ", self->tests_, " failed: ", done.error());
      session.control.refuse(done.error());
      (void)co_await send_output(flow.get(), &session.control,
                                 self->timeout(session.scope.token()));
    }
    session.gathering = false;
    co_await session.streams_scope.stop();
    (void)co_await flow->shutdown(self->timeout(session.scope.token()));
    co_await session.scope.stop();
    self->session_ = nullptr;
  }

  // Passes received bytes to the engine.
  static async::Task<void> listen(Session* session, Flow* flow) {
    for (;;) {
      const Result<Slice> got =
          co_await flow->read(async::Wait::cancelled_by(session->scope.token()));
      if (!got && got.error().is(async::Errc::kCancelled)) co_return;
      session->control.receive(got ? got->bytes() : Bytes());
      session->changed.notify_all();
      if (!got || got->empty()) co_return;
    }
  }

  async::Task<Result<void>> run(Session* session, Flow* flow) {
    ServerControl& control = session->control;
    std::uint64_t seen = 0;
    for (;;) {
      const Event event = control.next();
      if (event == Event::kFailed) co_return fail(control.error());
      if (event == Event::kParameters) {
        if (const Result<void> ready = co_await prepare(session, flow); !ready) co_return ready;
      }
      if (event == Event::kEnd) {
        session->traffic->test.end(clock_->now());
        co_await session->streams_scope.stop();
        // A client reads whole blocks; only the end of its streams makes it read the control
        // connection again.
        for (Arrived& arrived : session->flows)
          (void)co_await arrived.flow->shutdown(timeout(session->scope.token()));
        control.exchange_results();
      }
      if (event == Event::kResults) control.give_results(results(*session));
      if (const Result<void> sent =
              co_await send_output(flow, &control, timeout(session->scope.token()));
          !sent) {
        co_return sent;
      }
      if (event == Event::kDone) {
        Text<200> line;
        write_summary(line, session->traffic->test, clock_->now());
        log_.info("test ", tests_, ": ", line.view());
        co_return Result<void>{};
      }
      if (event != Event::kNothing) continue;
      // During the test, only a stall is a timeout; at other times, every wait is bounded.
      const bool running = session->traffic != nullptr && !session->traffic->test.over();
      const Duration left = session->latest - loop_->now();
      const async::Wait wait =
          running ? async::Wait::at_most(std::min(config_.stall, left), session->scope.token())
                  : timeout(session->scope.token());
      const auto woken = co_await session->changed.wait(wait);
      if (running && loop_->now() >= session->latest) co_return fail(Error(Errc::kTimedOut));
      if (woken) continue;
      if (woken.error() == async::Errc::kCancelled) co_return fail(Error(woken.error()));
      const std::uint64_t moved =
          running ? session->traffic->test.total(true) + session->traffic->test.total(false) : 0;
      if (!running || moved == seen) co_return fail(Error(Errc::kTimedOut));
      seen = moved;
    }
  }

  // Lets the client open its streams, then starts the test.
  async::Task<Result<void>> prepare(Session* session, Flow* flow) {
    ServerControl& control = session->control;
    const Parameters& parameters = control.parameters();
    session->traffic = std::make_unique<Traffic>(*loop_, parameters, true);
    Traffic& traffic = *session->traffic;
    traffic.block = Block::make(*flow, parameters.length);
    if (traffic.block.empty()) co_return fail(Error(Errc::kNoMemory));
    if (parameters.udp) {
      auto socket = udp_->bind({IpAddress(), config_.port});
      if (!socket) co_return fail(socket.error());
      session->socket = std::move(*socket);
      session->streams_scope.spawn(receive_datagrams(this, session));
    }
    session->gathering = true;
    control.create_streams();
    const async::Wait wait = timeout(session->scope.token());
    if (const Result<void> sent = co_await send_output(flow, &control, wait); !sent) co_return sent;
    while ((parameters.udp ? session->peers.size() : session->flows.size()) <
           traffic.test.streams().size()) {
      if (control.closed()) co_return fail(Error(Errc::kPeerClosed));
      if (const auto woken = co_await session->changed.wait(wait); !woken) {
        co_return fail(woken.error() == async::Errc::kTimedOut ? Error(Errc::kTimedOut)
                                                               : Error(woken.error()));
      }
    }
    session->gathering = false;
    control.start();
    if (const Result<void> sent = co_await send_output(flow, &control, wait); !sent) co_return sent;
    traffic.test.begin(clock_->now());
    const std::uint32_t asked = parameters.time == 0 ? kMaxSeconds : parameters.time;
    session->latest = loop_->now() + seconds(asked) + seconds(parameters.omit) + config_.stall;
    session->busy.start();
    for (std::size_t i = 0; i < traffic.test.streams().size(); ++i) start_stream(*session, i);
    if (parameters.omit != 0 || config_.interval.ns != 0)
      session->streams_scope.spawn(keep_time(this, session));
    co_return Result<void>{};
  }

  void start_stream(Session& session, std::size_t i) {
    Traffic& traffic = *session.traffic;
    Stream& stream = traffic.test.stream(i);
    const async::CancelToken token = session.streams_scope.token();
    if (session.socket) {
      if (!stream.sends) return;  // receive_datagrams() serves all streams
      const auto& [peer, local] = session.peers[i];
      session.streams_scope.spawn(
          send_datagrams(&traffic, &stream, session.socket.get(), clock_, peer, local, token));
    } else if (Arrived& arrived = session.flows[i]; stream.sends) {
      if (traffic.test.parameters().no_delay) send_small_at_once(*arrived.flow);
      session.streams_scope.spawn(send_bytes(&traffic, &stream, arrived.flow.get(), token));
    } else {
      stream.count(arrived.bytes);
      session.streams_scope.spawn(receive_bytes(&traffic, &stream, arrived.flow.get(), token));
    }
  }

  // All streams share one socket; the sender's endpoint identifies the stream.
  static async::Task<void> receive_datagrams(Server* self, Session* session) {
    std::array<sig::RxDatagram, 64> in;
    std::size_t last = 0;
    const auto& peers = session->peers;
    for (;;) {
      const Result<std::size_t> count = co_await session->socket->receive(
          std::span<sig::RxDatagram>(in),
          async::Wait::cancelled_by(session->streams_scope.token()));
      if (!count) co_return;
      const Duration now = since_epoch(*self->clock_);
      for (sig::RxDatagram& datagram : std::span(in).first(*count)) {
        const Slice payload = std::move(datagram.payload);
        const auto is_its = [&](const auto& peer) { return peer.first == datagram.source; };
        if (last >= peers.size() || !is_its(peers[last])) {
          last = static_cast<std::size_t>(std::ranges::find_if(peers, is_its) - peers.begin());
        }
        if (payload.size() == 4 && is_hello(payload.bytes())) {
          co_await self->welcome(session, datagram.source, datagram.destination,
                                 hello_answer(payload.bytes()));
        } else if (last < peers.size() && !session->gathering) {
          count_datagram(*session->traffic, session->traffic->test.stream(last), payload.bytes(),
                         now);
        }
      }
      co_await async::yield();
    }
  }

  async::Task<void> welcome(Session* session, Endpoint peer, IpAddress local,
                            std::array<std::byte, 4> answer) {
    const bool known =
        std::ranges::contains(session->peers, peer, &std::pair<Endpoint, IpAddress>::first);
    if (!known) {
      if (session->client && *session->client != peer.address) co_return;
      if (!session->gathering || session->peers.size() == session->traffic->test.streams().size())
        co_return;
      session->peers.emplace_back(peer, local);
    }
    std::array<sig::TxDatagram, 1> out;
    out[0] = {peer, local, session->socket->allocate()};
    if (out[0].payload && out[0].payload.tailroom() >= answer.size()) {
      copy_bytes(out[0].payload.append(answer.size()), answer);
      (void)co_await session->socket->send(
          out, async::Wait::cancelled_by(session->streams_scope.token()));
    }
    session->changed.notify_all();
  }

  // Discards the omitted time, and logs intervals.
  static async::Task<void> keep_time(Server* self, Session* session) {
    const async::CancelToken token = session->streams_scope.token();
    Test& test = session->traffic->test;
    if (const std::uint32_t omit = test.parameters().omit; omit != 0) {
      if (!co_await async::sleep(seconds(omit), token)) co_return;
      test.restart(self->clock_->now());
      session->busy.start();
    }
    if (self->config_.interval.ns == 0) co_return;
    Duration from{};
    while (co_await async::sleep(self->config_.interval, token)) {
      const Duration to = test.elapsed(self->clock_->now());
      std::uint64_t bytes = 0;
      for (Stream& stream : test.streams()) bytes += stream.take_interval();
      Text<100> line;
      write_interval(line, from, to, bytes);
      self->log_.info(line.view());
      from = to;
    }
  }

  Results results(Session& session) {
    Test& test = session.traffic->test;
    bool known = false;
    for (std::size_t i = 0; i < session.flows.size(); ++i) {
      Stream& stream = test.stream(i);
      if (!stream.sends) continue;
      stream.retransmits = retransmits(*session.flows[i].flow);
      known = known || stream.retransmits >= 0;
    }
    return test.results(clock_->now(), known, session.busy.permille());
  }

  const async::Loop* loop_;
  async::CancelToken stop_;
  Logger log_;
  Tcp* tcp_;
  Udp* udp_;
  Clock* clock_;
  ServerConfig config_;
  async::Scope* visitors_ = nullptr;
  Session* session_ = nullptr;
  std::uint64_t tests_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace fata::iperf
