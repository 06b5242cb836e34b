// Resolver: moves the engine's queries over UDP and TCP. Models sig::Resolver.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "fata/async/background.hpp"
#include "fata/async/context.hpp"
#include "fata/async/renewal.hpp"
#include "fata/async/semaphore.hpp"
#include "fata/dns/stream_reader.hpp"
#include "fata/resolver/engine.hpp"
#include "fata/resolver/setup.hpp"
#include "fata/sig/clock.hpp"
#include "fata/sig/flow.hpp"
#include "fata/sig/names.hpp"
#include "fata/sig/resolver.hpp"
#include "fata/sig/udp.hpp"

namespace fata::resolver {

// A query in flight, with a socket or connection of its own: each query leaves from a new port.
struct Exchange {
  static constexpr std::size_t kMaxQuery = 300;

  Slot slot;
  Endpoint server;
  Transport transport{};
  std::array<std::byte, 2 + kMaxQuery> query;  // after its length, as over TCP
  std::size_t size = 0;                        // of the query
  async::CancelSource stop;
  bool ended = false;
  std::optional<async::Background> task;
};

// What all instances share: lookups, timer and the lifetimes of exchanges.
class Driver : private Outside, private Timer, private async::Renewal {
 public:
  // Lookups at the same time; others wait in FIFO order. Each may have two questions.
  static constexpr std::size_t kLookups = Engine::kQuestions / 2;

  // The addresses of both families, IPv6 first.
  async::Task<Result<std::vector<IpAddress>>> resolve(std::string_view host, async::Wait wait);
  async::Task<Result<sig::RecordSet>> query(std::string_view name, std::uint16_t type,
                                            async::Wait wait);
  const Engine& engine() const { return engine_; }

 protected:
  Driver(async::Loop& loop, const SipKey& secret);
  ~Driver() = default;

  // Called before each lookup.
  virtual void refresh(Engine& engine) = 0;
  virtual async::Task<void> carry(Exchange* exchange) = 0;

  void received(const Exchange& exchange, const Endpoint& from, Bytes message);
  // The exchange's transport failed, unless it was stopped.
  void failed(const Exchange& exchange);
  // For refresh(): domains separated by spaces.
  static void set_domains(Engine& engine, std::string_view domains);

 private:
  struct Waiting final : Lookup {
    async::WaitQueue changed;
  };

  // Without a type, the addresses.
  async::Task<Result<void>> look_up(Waiting* waiting, std::string_view name,
                                    std::optional<dns::Type> type, async::Wait wait);
  void send(Slot slot, const Endpoint& server, Transport transport, Bytes query) override;
  void close(Slot slot) override;
  void done(Lookup& lookup) override { static_cast<Waiting&>(lookup).changed.notify_all(); }
  void on_timer() noexcept override;
  void renew(const SipKey& secret) override { engine_.renew(secret); }
  void arm();
  // Frees the exchanges that have ended.
  void reap();

  async::Loop* loop_;
  Engine engine_;
  async::Semaphore free_{kLookups};
  std::array<std::unique_ptr<Exchange>, Engine::kSlots> exchanges_;
  std::vector<std::unique_ptr<Exchange>> closed_;
};

template <sig::Udp Udp, sig::Tcp Tcp, sig::Names Names, sig::Random Random>
class Resolver final : public Driver {
 public:
  Resolver(async::Context& context, Udp& udp, Tcp& tcp, Names& names, const SipKey& secret,
           const NameServers& servers)
      : Driver(context.loop, secret), udp_(&udp), tcp_(&tcp), names_(&names), servers_(servers) {}

  // Without `servers`, queries those that the network announces.
  static async::Task<Result<std::unique_ptr<Resolver>>> connect(async::Context& context, Udp& udp,
                                                                Tcp& tcp, Names& names,
                                                                Random& random,
                                                                NameServers servers) {
    return async::ready(Result<std::unique_ptr<Resolver>>(
        std::make_unique<Resolver>(context, udp, tcp, names, sig::drawn_key(random), servers)));
  }

 private:
  // More than a search list holds (RFC 1035 section 2.3.4).
  static constexpr std::size_t kMaxDomains = 1024;
  static constexpr std::size_t kMaxMessage = 65535;

  void refresh(Engine& engine) override {
    Text<kMaxDomains> domains;
    names_->write_domain(domains);
    set_domains(engine, domains.view());
    if (!servers_.all().empty()) return engine.set_servers(servers_.all());
    std::array<IpAddress, kMaxServers> addresses;
    const std::size_t count = names_->name_servers(addresses);
    std::array<Endpoint, kMaxServers> servers;
    for (std::size_t i = 0; i < count; ++i) servers[i] = {addresses[i], kPort};
    engine.set_servers(std::span(servers).first(count));
  }

  async::Task<void> carry(Exchange* exchange) override {
    return exchange->transport == Transport::kUdp ? over_udp(exchange) : over_tcp(exchange);
  }

  async::Task<void> over_udp(Exchange* exchange) {
    const auto wait = async::Wait::cancelled_by(exchange->stop.token());
    const bool v4 = exchange->server.address.is_v4();
    const auto socket = udp_->bind({v4 ? IpAddress(Ipv4Address{}) : IpAddress{}, 0});
    if (!socket) co_return failed(*exchange);
    std::array<sig::TxDatagram, 1> out;
    out[0].destination = exchange->server;
    out[0].payload = (*socket)->allocate();
    const Bytes query = Bytes(exchange->query).subspan(2, exchange->size);
    if (!out[0].payload || out[0].payload.tail().size() < query.size()) co_return failed(*exchange);
    copy_bytes(out[0].payload.tail(), query);
    (void)out[0].payload.append(query.size());
    if (!co_await (*socket)->send(std::span<sig::TxDatagram>(out), wait))
      co_return failed(*exchange);
    std::array<sig::RxDatagram, 4> in;
    while (!exchange->stop.cancelled()) {
      const Result<std::size_t> count =
          co_await (*socket)->receive(std::span<sig::RxDatagram>(in), wait);
      if (!count) co_return failed(*exchange);
      for (sig::RxDatagram& each : std::span(in).first(*count)) {
        received(*exchange, each.source, each.payload.bytes());
        each.payload = {};
      }
    }
  }

  async::Task<void> over_tcp(Exchange* exchange) {
    const auto wait = async::Wait::cancelled_by(exchange->stop.token());
    auto flow = co_await tcp_->connect(exchange->server, wait);
    if (!flow) co_return failed(*exchange);
    std::array<Slice, 1> out;
    const Bytes query = Bytes(exchange->query).first(2 + exchange->size);
    PacketBuf packet = (*flow)->allocate(0, query.size());
    if (!packet) co_return failed(*exchange);
    copy_bytes(packet.tail(), query);
    (void)packet.append(query.size());
    out[0] = Slice(std::move(packet));
    const sig::WriteOutcome written = co_await (*flow)->write(std::span<Slice>(out), wait);
    if (written.error) co_return failed(*exchange);
    dns::GatherBudget budget(kMaxMessage + 2);
    dns::StreamReader reader(&budget, kMaxMessage);
    for (Bytes message;;) {
      const dns::Gathered gathered = reader.next(message);
      if (gathered == dns::Gathered::kMessage) {
        // One connection answers one query.
        received(*exchange, exchange->server, message);
        co_return failed(*exchange);
      }
      if (gathered != dns::Gathered::kNothing) co_return failed(*exchange);
      Result<Slice> slice = co_await (*flow)->read(wait);
      if (!slice || slice->empty()) co_return failed(*exchange);
      reader.push(std::move(*slice));
    }
  }

  Udp* udp_;
  Tcp* tcp_;
  Names* names_;
  NameServers servers_;
};

}  // namespace fata::resolver
