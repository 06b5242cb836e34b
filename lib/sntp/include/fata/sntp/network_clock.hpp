// NetworkClock: a clock whose wall clock is corrected by NTP servers, over any UDP.
#pragma once

#include <array>

#include "fata/async/background.hpp"
#include "fata/async/context.hpp"
#include "fata/async/wait.hpp"
#include "fata/sig/clock.hpp"
#include "fata/sig/names.hpp"
#include "fata/sig/udp.hpp"
#include "fata/sntp/client.hpp"
#include "fata/sntp/servers.hpp"

namespace fata::sntp {

// What does not depend on the clock and the stack: the requests to send, the log, renewal.
class Driver : protected Outside, private async::Renewal {
 protected:
  // The list of servers of the network is read again at least this often.
  static constexpr Duration kLook = seconds(64);
  static constexpr std::size_t kBatch = Client::kMaxServers;

  Driver(async::Context& context, const SipKey& secret, const Servers& given);
  ~Driver() = default;

  // Uses the servers that were given or, without any, those of the network.
  void use(std::span<const IpAddress> of_network, Instant now);
  // Writes the queued requests into `out`, and returns their number. A packet without a buffer is
  // dropped; the client queries again.
  std::size_t take_requests(std::span<sig::TxDatagram, kBatch> out, auto& socket) {
    std::size_t count = 0;
    for (const Request& each : std::span(requests_).first(queued_)) {
      sig::TxDatagram& datagram = out[count];
      datagram = {each.to, {}, socket.allocate()};
      if (!datagram.payload || datagram.payload.tailroom() < kMessageSize) continue;
      copy_bytes(datagram.payload.append(kMessageSize), each.bytes);
      ++count;
    }
    queued_ = 0;
    return count;
  }
  void note_unbound(const Error& error) const;
  // How many servers are in use is part of the log line.
  void note_event(Event what, const Endpoint& server, Duration error) const;

  async::CancelToken stop_;
  Client client_;

 private:
  struct Request {
    Endpoint to;
    std::array<std::byte, kMessageSize> bytes;
  };

  // Outside
  void send(std::span<const std::byte, kMessageSize> request, const Endpoint& to) final;
  // Renewal
  void renew(const SipKey& secret) final;

  async::Loop* loop_;
  Logger log_;
  Servers given_;
  std::array<Request, kBatch> requests_{};
  std::size_t queued_ = 0;
};

// Models sig::Clock. Without servers, the wall clock is the host's.
template <sig::CorrectableClock Clock, sig::Udp Udp, sig::Names Names, sig::Random Random>
class NetworkClock final : private Driver {
 public:
  // All but `context` must outlive the clock.
  NetworkClock(async::Context& context, Clock& clock, Udp& udp, Names& names, Random& random,
               const Servers& servers)
      : Driver(context, secret(random), servers),
        clock_(&clock),
        udp_(&udp),
        names_(&names),
        task_(run(this)) {}

  // sig::Clock
  Instant now() { return clock_->now(); }
  WallTime wall() { return clock_->wall(); }
  Duration wall_error() { return clock_->wall_error(); }

  const Client& client() const { return client_; }

 private:
  static SipKey secret(Random& random) {
    std::array<std::byte, 16> bytes;
    random.fill(bytes);
    return SipKey::of(bytes);
  }
  // Outside
  WallReading host(Instant) override { return clock_->host(); }
  void correct(const WallReading& utc, Instant now) override {
    clock_->correct({{utc.time.ns + (clock_->now() - now).ns}, utc.error});
  }
  void follow_host() override { clock_->follow_host(); }
  void event(Event what, const Endpoint& server) override {
    note_event(what, server, clock_->wall_error());
  }

  static async::Task<void> run(NetworkClock* self) {
    const auto socket = self->udp_->bind({IpAddress(), 0});
    if (!socket) co_return self->note_unbound(socket.error());
    std::array<sig::RxDatagram, kBatch> in;
    std::array<sig::TxDatagram, kBatch> out;
    while (!self->stop_.cancelled()) {
      std::array<IpAddress, Client::kMaxServers> servers;
      self->use(std::span(servers).first(self->names_->time_servers(servers)), self->now());
      self->client_.tick(self->now());
      const std::size_t count = self->take_requests(out, **socket);
      if (count != 0)
        (void)co_await (*socket)->send(std::span(out).first(count),
                                       async::Wait::cancelled_by(self->stop_));
      const Instant until = std::min(self->client_.next_deadline(), self->now() + kLook);
      const Result<std::size_t> received = co_await (*socket)->receive(
          std::span<sig::RxDatagram>(in), async::Wait::until(until, self->stop_));
      const Instant now = self->now();
      for (sig::RxDatagram& each : std::span(in).first(received.value_or(0))) {
        self->client_.receive(each.payload.bytes(), each.source, now);
        each.payload = {};
      }
      co_await async::yield();  // receive() may never wait; other tasks must run
    }
  }

  Clock* clock_;
  Udp* udp_;
  Names* names_;
  async::Background task_;
};

}  // namespace fata::sntp
