// An authoritative DNS server: zones from a key-value store, queries over UDP and, if the stack
// has it, TCP.
#pragma once

#include <fata/async/background.hpp>
#include <fata/async/context.hpp>
#include <fata/async/renewal.hpp>
#include <fata/async/scope.hpp>
#include <fata/base/platform.hpp>
#include <fata/dns/tcp_server.hpp>
#include <fata/dns/udp_server.hpp>
#include <fata/sig/clock.hpp>
#include <fata/sig/flow.hpp>
#include <fata/sig/key_value.hpp>

#include <algorithm>
#include <array>
#include <span>

#include "zones.hpp"

namespace dns_server {

inline constexpr int kWrongSetup = 64;
// Lifetime of a DNS cookie secret.
inline constexpr fata::Duration kSecretLifetime = fata::seconds(12 * 3600);

template <fata::sig::Udp Udp, fata::sig::Tcp Tcp, fata::sig::KeyValueReader Zones,
          fata::sig::Clock Clock, fata::sig::Random Random>
class Server final : private fata::async::Renewal {
 public:
  // `zones`: keys of `store`, separated by commas, each alone or as NAME=KEY.
  Server(fata::async::Context& context, Udp& udp, Tcp& tcp, Zones& store, Clock& clock,
         Random& random, std::uint16_t port, std::string_view zones, fata::dns::RateLimit rate,
         const fata::dns::Prefixes& exempt)
      : context_(context),
        log_(context.logger("dns")),
        udp_(udp),
        tcp_(tcp),
        store_(store),
        random_(random),
        port_(port),
        zones_(zones),
        guard_(rate, exempt, drawn<fata::dns::Guard::kSeedSize>(), &clock),
        tcp_server_(engine_, {.guard = {&guard_, &context.loop}}) {
    context.loop.on_restore(*this);
  }

  fata::async::Task<int> start() {
    if (!co_await load()) co_return kWrongSetup;
    const fata::Endpoint at{fata::IpAddress(), port_};  // both families
    auto socket = udp_.bind(at);
    if (!socket) co_return refuse("UDP", socket.error());
    // If port 0 was given, the stack has chosen a free port; TCP uses the same one.
    port_ = (*socket)->local().port;
    auto listener = tcp_.listen({fata::IpAddress(), port_}, 128);
    const bool no_tcp = !listener && listener.error().is(fata::sig::NoTcpErrc::kNoTcp);
    if (!listener && !no_tcp) co_return refuse("TCP", listener.error());
    log_.info("serving on port ", port_, no_tcp ? ", UDP only" : ", UDP and TCP");

    fata::async::Scope scope(context_.stop);
    scope.spawn(serve_udp(this, socket->get(), &scope));
    if (!no_tcp) scope.spawn(serve_tcp(this, listener->get(), &scope));
    scope.spawn(renew_secret(this, scope.token()));
    co_await scope.join();
    report(**socket);
    co_return failed_ ? 1 : 0;
  }

 private:
  fata::async::Task<bool> load() {
    ZoneTexts texts;
    auto files = co_await store_.list("", fata::async::Wait{});
    if (!files) {
      log_.error("the zone files cannot be listed: ", files.error());
      co_return false;
    }
    for (const fata::sig::KeyEntry& entry : *files) texts.add_entry(entry);
    texts.want_items(zones_);
    while (const std::string* path = texts.next_wanted()) {
      auto text = co_await store_.get(*path, fata::async::Wait{});
      if (text) {
        texts.add(*path, std::move(*text));
      } else if (!text.error().is(fata::sig::KeyErrc::kNotFound)) {
        log_.error("the zone file \"", *path, "\" cannot be read: ", text.error());
        texts.add_unreadable(*path);
      }
    }
    co_return load_zones(engine_, texts, zones_, log_);
  }

  static fata::async::Task<void> serve_udp(Server* self, typename Udp::Socket* socket,
                                           fata::async::Scope* scope) {
    const auto served =
        co_await fata::dns::serve_udp(&self->engine_, socket, &self->dropped_, scope->token(),
                                      {&self->guard_, &self->context_.loop});
    if (!served) self->fail("UDP", served.error(), scope);
  }
  static fata::async::Task<void> serve_tcp(Server* self, typename Tcp::Listener* listener,
                                           fata::async::Scope* scope) {
    const auto served = co_await self->tcp_server_.serve(listener, scope->token());
    if (!served) self->fail("TCP", served.error(), scope);
  }

  // A cookie is valid for an hour, so one previous secret is enough.
  static fata::async::Task<void> renew_secret(Server* self, fata::async::CancelToken stop) {
    while (co_await fata::async::sleep(kSecretLifetime, stop)) {
      self->guard_.cookies().renew(self->template drawn<16>());
    }
  }

  // Ignores the secret: `random_` has already been reseeded.
  void renew(const fata::SipKey&) override { guard_.renew(drawn<fata::dns::Guard::kSeedSize>()); }

  template <std::size_t Size>
  std::array<std::byte, Size> drawn() {
    std::array<std::byte, Size> octets;
    random_.fill(octets);
    return octets;
  }

  void fail(std::string_view which, const fata::Error& error, fata::async::Scope* scope) {
    log_.error(which, " failed: ", error);
    failed_ = true;
    scope->cancel();
  }
  int refuse(std::string_view which, const fata::Error& error) {
    log_.error("cannot serve ", which, " on port ", port_, ": ", error,
               "; choose another with --port");
    return kWrongSetup;
  }
  void report(const typename Udp::Socket& socket) {
    fata::Text<600> line;
    fata::write_counters(line, engine_.counters());
    add(line, "; UDP ", guard_.counters());
    add(line, "; UDP ", std::span(&dropped_, 1));
    // A host socket adds only its error counters. Fata's own stack reports its counters itself.
    if constexpr (requires { Udp::Socket::kTooLong; })
      add(line, "; UDP ", socket.counters().subspan(Udp::Socket::kTooLong));
    add(line, "; TCP ", tcp_server_.counters());
    log_.info("served: ", line.view());
  }
  static void add(fata::TextWriter& line, std::string_view which,
                  std::span<const fata::Counter> counters) {
    if (std::ranges::all_of(counters,
                            [](const fata::Counter& counter) { return counter.value == 0; }))
      return;
    line.put(which);
    fata::write_counters(line, counters);
  }

  fata::async::Context& context_;
  fata::Logger log_;
  Udp& udp_;
  Tcp& tcp_;
  Zones& store_;
  Random& random_;
  std::uint16_t port_;
  std::string_view zones_;
  fata::dns::Guard guard_;
  fata::dns::Engine engine_;
  fata::dns::TcpServer<Tcp> tcp_server_;
  fata::Counter dropped_{"no_buffer"};
  bool failed_ = false;
};

}  // namespace dns_server
