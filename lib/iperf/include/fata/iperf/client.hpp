// Client: runs one test with a server, over any connector, TCP, UDP, clock and console.
#pragma once

#include "fata/async/context.hpp"
#include "fata/iperf/report.hpp"
#include "fata/iperf/traffic.hpp"
#include "fata/sig/connector.hpp"
#include "fata/sig/console.hpp"

namespace fata::iperf {

struct ClientConfig {
  std::string_view server;  // a host name or an address; valid as long as the client
  std::uint16_t port = 5201;
  Parameters parameters;
  Duration interval = seconds(1);  // between reports; 0: none
  bool json = false;
  Duration timeout = seconds(10);  // timeout for the server's next step
};

// The streams go to the address to which the connector made the control connection.
template <sig::Connector Connector, sig::Tcp Tcp, sig::Udp Udp, sig::Clock Clock,
          sig::Console Console>
  requires std::same_as<typename Connector::Flow, typename Tcp::Flow>
class Client {
 public:
  using Flow = typename Tcp::Flow;
  using Socket = typename Udp::Socket;

  Client(async::Context& context, Connector& connector, Tcp& tcp, Udp& udp, Clock& clock,
         Console& console, const Cookie& cookie, const ClientConfig& config)
      : loop_(&context.loop),
        log_(context.logger("iperf")),
        connector_(&connector),
        tcp_(&tcp),
        udp_(&udp),
        clock_(&clock),
        console_(&console),
        cookie_(cookie),
        config_(config),
        control_(cookie, config.parameters),
        traffic_(context.loop, config.parameters, false),
        report_(config.parameters, config.json),
        scope_(context.stop),
        senders_(scope_.token()) {}

  // Returns an exit status.
  async::Task<int> run() {
    auto flow = co_await connector_->connect(config_.server, config_.port, timeout());
    Result<void> done{};
    if (!flow) {
      done = fail(flow.error());
    } else {
      server_ = (*flow)->peer();
      report_.connected_to(server_);
      send_small_at_once(**flow);
      scope_.spawn(listen(this, flow->get()));
      done = co_await converse(flow->get());
      if (!done && done.error().is(async::Errc::kCancelled)) {
        // A stop was requested: notify the server.
        control_.terminate();
        (void)co_await send_output(flow->get(), &control_, async::Wait::at_most(seconds(1)));
      }
      (void)co_await (*flow)->shutdown(timeout());
    }
    co_await senders_.stop();
    co_await scope_.stop();
    flows_.clear();
    if (done) co_return 0;
    tell(report_.failed(done.error()));
    log_.error(config_.server, " port ", config_.port, ": ", done.error());
    co_return 1;
  }

 private:
  async::Wait timeout() { return async::Wait::at_most(config_.timeout, scope_.token()); }
  Test& test() { return traffic_.test; }

  // Writes in pieces that fit the console's buffer.
  void tell(std::string_view text) {
    constexpr std::size_t kPiece = 1024;
    for (; !text.empty(); text.remove_prefix(std::min(kPiece, text.size())))
      console_->write(text.substr(0, kPiece));
  }

  static async::Task<void> listen(Client* self, Flow* flow) {
    for (;;) {
      const Result<Slice> got =
          co_await flow->read(async::Wait::cancelled_by(self->scope_.token()));
      if (!got && got.error().is(async::Errc::kCancelled)) co_return;
      self->control_.receive(got ? got->bytes() : Bytes());
      self->traffic_.changed.notify_all();
      if (!got || got->empty()) co_return;
    }
  }

  async::Task<Result<void>> converse(Flow* flow) {
    for (;;) {
      const Event event = control_.next();
      Result<void> done{};
      if (event == Event::kFailed) co_return fail(control_.error());
      if (event == Event::kCreateStreams) done = co_await open_streams(flow);
      if (event == Event::kRunning) done = co_await measure();
      if (event == Event::kExchange) control_.give_results(ours_ = results());
      if (!done) co_return done;
      if (const Result<void> sent = co_await send_output(flow, &control_, timeout()); !sent)
        co_return sent;
      if (event == Event::kDone) {
        tell(report_.end(test(), {ours_, control_.peer_results()}));
        co_return Result<void>{};
      }
      if (event != Event::kNothing) continue;
      if (const auto woken = co_await traffic_.changed.wait(timeout()); !woken) {
        co_return fail(woken.error() == async::Errc::kTimedOut ? Error(Errc::kTimedOut)
                                                               : Error(woken.error()));
      }
    }
  }

  async::Task<Result<void>> open_streams(Flow* control) {
    const Parameters& parameters = config_.parameters;
    traffic_.block = Block::make(*control, parameters.length);
    if (traffic_.block.empty()) co_return fail(Error(Errc::kNoMemory));
    for (std::size_t i = 0; i < test().streams().size(); ++i) {
      const Result<void> opened = parameters.udp ? co_await open_socket() : co_await open_flow();
      if (!opened) co_return opened;
    }
    co_return Result<void>{};
  }

  async::Task<Result<void>> open_flow() {
    auto flow = co_await tcp_->connect(server_, timeout());
    if (!flow) co_return fail(flow.error());
    PacketBuf packet = (*flow)->allocate(0, cookie_.size());
    if (!packet) co_return fail(Error(Errc::kNoMemory));
    copy_bytes(packet.append(cookie_.size()), cookie_);
    std::array<Slice, 1> out{Slice(std::move(packet))};
    const sig::WriteOutcome written = co_await (*flow)->write(out, timeout());
    if (written.error) co_return fail(*written.error);
    if (config_.parameters.no_delay) send_small_at_once(**flow);
    flows_.push_back(std::move(*flow));
    co_return Result<void>{};
  }

  // A stream is established by a datagram each way; either may be lost.
  async::Task<Result<void>> open_socket() {
    IpAddress any;
    if (server_.address.is_v4()) any = Ipv4Address{};
    auto socket = udp_->bind({any, 0});
    if (!socket) co_return fail(socket.error());
    const async::Wait all = timeout();
    while (loop_->now() < all.deadline) {
      std::array<sig::TxDatagram, 1> out;
      out[0] = {server_, {}, (*socket)->allocate()};
      if (!out[0].payload) co_return fail(Error(Errc::kNoMemory));
      copy_bytes(out[0].payload.append(hello().size()), hello());
      if (const Result<void> sent = co_await (*socket)->send(out, all); !sent) co_return sent;
      std::array<sig::RxDatagram, 1> in;
      const Result<std::size_t> got =
          co_await (*socket)->receive(in, async::Wait::at_most(seconds(1), scope_.token()));
      if (!got && !got.error().is(async::Errc::kTimedOut)) co_return fail(got.error());
      if (!got || in[0].source != server_ || !is_hello_answer(in[0].payload.bytes())) continue;
      sockets_.push_back(std::move(*socket));
      co_return Result<void>{};
    }
    co_return fail(Error(Errc::kTimedOut));
  }

  // The test itself, from "running" to the end message.
  async::Task<Result<void>> measure() {
    const Parameters& parameters = config_.parameters;
    tell(report_.begin());
    test().begin(clock_->now());
    busy_.start();
    for (std::size_t i = 0; i < test().streams().size(); ++i) start_stream(i);
    if (parameters.omit != 0) {
      const Result<void> omitted = co_await until(loop_->now() + seconds(parameters.omit));
      if (!omitted) co_return omitted;
      (void)report_.omitted();
      test().restart(clock_->now());
      busy_.start();
    }
    const bool timed = parameters.bytes == 0 && parameters.blocks == 0;
    const Result<void> done =
        co_await until(timed ? loop_->now() + seconds(parameters.time) : Instant::never());
    if (!done) co_return done;
    if (config_.interval.ns != 0 && test().elapsed(clock_->now()) > last_report_)
      tell(report_.interval(test(), clock_->now()));
    test().end(clock_->now());
    senders_.cancel();
    co_await senders_.join();
    cpu_permille_ = busy_.permille();
    control_.end();
    co_return Result<void>{};
  }

  void start_stream(std::size_t i) {
    Stream& stream = test().stream(i);
    if (config_.parameters.udp) {
      Socket* const socket = sockets_[i].get();
      if (stream.sends) {
        senders_.spawn(send_datagrams(&traffic_, &stream, socket, clock_, server_, IpAddress(),
                                      senders_.token()));
      } else {
        scope_.spawn(receive_datagrams(this, &stream, socket));
      }
    } else if (stream.sends) {
      senders_.spawn(send_bytes(&traffic_, &stream, flows_[i].get(), senders_.token()));
    } else {
      // Keeps reading after the end: a server that is blocked in sending may not read the control
      // connection.
      scope_.spawn(receive_bytes(&traffic_, &stream, flows_[i].get(), scope_.token()));
    }
  }

  static async::Task<void> receive_datagrams(Client* self, Stream* stream, Socket* socket) {
    std::array<sig::RxDatagram, 64> in;
    for (;;) {
      const Result<std::size_t> count = co_await socket->receive(
          std::span<sig::RxDatagram>(in), async::Wait::cancelled_by(self->scope_.token()));
      if (!count) co_return;
      const Duration now = since_epoch(*self->clock_);
      for (sig::RxDatagram& datagram : std::span(in).first(*count)) {
        const Slice payload = std::move(datagram.payload);
        if (datagram.source == self->server_)
          count_datagram(self->traffic_, *stream, payload.bytes(), now);
      }
      if (self->test().complete()) self->traffic_.changed.notify_all();
      co_await async::yield();
    }
  }

  // Waits until `when`, or until everything was sent or received; prints reports meanwhile.
  async::Task<Result<void>> until(Instant when) {
    const Instant started = loop_->now();
    Instant report = config_.interval.ns == 0 ? Instant::never() : started + config_.interval;
    while (!test().complete()) {
      const Instant now = loop_->now();
      if (now >= when) break;
      if (now >= report) {
        tell(report_.interval(test(), clock_->now()));
        last_report_ = test().elapsed(clock_->now()) + config_.interval / 10;
        report = report + config_.interval;
        continue;
      }
      // The server ended the test, or the control connection failed.
      if (control_.closed()) co_return fail(Error(Errc::kPeerClosed));
      if (const Event event = control_.next(); event != Event::kNothing) {
        co_return fail(event == Event::kFailed ? control_.error() : Error(Errc::kBadState));
      }
      if (traffic_.failed) co_return fail(Error(Errc::kStreamFailed));
      const auto woken = co_await traffic_.changed.wait(
          async::Wait::until(std::min(when, report), scope_.token()));
      if (!woken && woken.error() == async::Errc::kCancelled) co_return fail(Error(woken.error()));
    }
    co_return Result<void>{};
  }

  Results results() {
    bool known = false;
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      Stream& stream = test().stream(i);
      if (!stream.sends) continue;
      stream.retransmits = retransmits(*flows_[i]);
      known = known || stream.retransmits >= 0;
    }
    return test().results(clock_->now(), known, cpu_permille_);
  }

  const async::Loop* loop_;
  Logger log_;
  Connector* connector_;
  Tcp* tcp_;
  Udp* udp_;
  Clock* clock_;
  Console* console_;
  Cookie cookie_;
  ClientConfig config_;
  Endpoint server_;
  ClientControl control_;
  Traffic traffic_;
  Report report_;
  Results ours_;
  BusyTime busy_{*loop_};
  std::uint32_t cpu_permille_ = 0;
  Duration last_report_{};
  std::vector<std::unique_ptr<Flow>> flows_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  async::Scope scope_;
  async::Scope senders_;
};

}  // namespace fata::iperf
