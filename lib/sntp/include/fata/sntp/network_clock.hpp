// NetworkClock: a clock whose wall clock is corrected by NTP servers, over any UDP.
#pragma once

#include "fata/async/background.hpp"
#include "fata/async/context.hpp"
#include "fata/async/wait.hpp"
#include "fata/sig/clock.hpp"
#include "fata/sig/names.hpp"
#include "fata/sig/udp.hpp"
#include "fata/sntp/client.hpp"
#include "fata/sntp/servers.hpp"

namespace fata::sntp {

// What does not depend on the clock and the stack: the servers, the log, renewal.
class Driver : protected Outside, private async::Renewal {
 protected:
  // The list of servers of the network is read again at least this often.
  static constexpr Duration kLook = seconds(64);

  Driver(async::Context& context, const SipKey& secret, const Servers& given);
  ~Driver() = default;

  // Uses the servers that were given or, without any, those of the network.
  void use(std::span<const IpAddress> of_network, Instant now);
  // `error`: the bound of the wall clock's error.
  void note_unbound(Duration error) const;
  void note_event(Event what, Duration error) const;

  async::CancelToken stop_;
  Client client_;

 private:
  void warn(std::string_view what, Duration error) const;
  // Renewal
  void renew(const SipKey& secret) final;

  async::Loop* loop_;
  Logger log_;
  Servers given_;
};

// Models sig::Clock. Without servers, the wall clock is the host's.
template <sig::CorrectableClock Clock, sig::Udp Udp, sig::Names Names, sig::Random Random>
class NetworkClock final : private Driver {
 public:
  // All but `context` must outlive the clock.
  NetworkClock(async::Context& context, Clock& clock, Udp& udp, Names& names, Random& random,
               const Servers& servers)
      : Driver(context, sig::drawn_key(random), servers),
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
  // Outside
  WallReading host(Instant) override { return clock_->host(); }
  void correct(const WallReading& utc, Instant now) override {
    clock_->correct({{utc.time.ns + (clock_->now() - now).ns}, utc.error});
  }
  void follow_host() override { clock_->follow_host(); }
  void event(Event what) override { note_event(what, clock_->wall_error()); }

  static async::Task<void> run(NetworkClock* self) {
    const auto socket = self->udp_->bind({IpAddress(), 0});
    if (!socket) co_return self->note_unbound(self->wall_error());
    const async::Wait until_stopped = async::Wait::cancelled_by(self->stop_);
    while (!self->stop_.cancelled()) {
      std::array<IpAddress, Client::kMaxServers> servers;
      self->use(std::span(servers).first(self->names_->time_servers(servers)), self->now());
      std::array<std::byte, kMessageSize> request;
      while (const IpAddress* to = self->client_.tick(self->now(), request)) {
        // Without a buffer, the request is lost like one on the network.
        sig::TxDatagram out{{*to, kPort}, {}, (*socket)->allocate()};
        if (!out.payload || out.payload.tailroom() < kMessageSize) continue;
        copy_bytes(out.payload.append(kMessageSize), request);
        (void)co_await (*socket)->send(std::span(&out, 1), until_stopped);
      }
      const Instant until = std::min(self->client_.next_deadline(), self->now() + kLook);
      sig::RxDatagram in;
      const Result<std::size_t> received =
          co_await (*socket)->receive(std::span(&in, 1), async::Wait::until(until, self->stop_));
      if (received) self->client_.receive(in.payload.bytes(), in.source, self->now());
      co_await async::yield();  // receive() may never wait; other tasks must run
    }
  }

  Clock* clock_;
  Udp* udp_;
  Names* names_;
  async::Background task_;
};

}  // namespace fata::sntp
