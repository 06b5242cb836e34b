// Name servers and a network for tests of the resolver's engine: lib/dns' engines answer its
// queries after a delay, in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fata/dns/engine.hpp"
#include "fata/dns/message.hpp"
#include "fata/resolver/engine.hpp"

namespace fata::resolver::test {

using Message = std::vector<std::byte>;

inline constexpr std::string_view kZone = R"($ORIGIN test.
$TTL 300
@ SOA ns hostmaster 1 7200 3600 1209600 60
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
www AAAA 2001:db8::1
v4 A 192.0.2.4
v6 AAAA 2001:db8::6
alias CNAME www
far CNAME www.elsewhere.
loop CNAME loop2
loop2 CNAME loop
out CNAME loop.elsewhere.
_ssh._tcp SRV 1 2 22 www
text TXT "a" "b"
)";
inline constexpr std::string_view kElsewhere = R"($ORIGIN elsewhere.
$TTL 30
@ SOA ns hostmaster 1 7200 3600 1209600 60
@ NS ns
ns A 192.0.2.53
www A 198.51.100.7
loop CNAME out.test.
)";

inline Endpoint server_at(unsigned number) {
  return {Ipv4Address::of(10, 0, 0, static_cast<std::uint8_t>(number)), 53};
}

struct Query {
  Slot slot;
  Endpoint server;
  Transport transport;
  Message bytes;
  Instant at;
};

class World final : public Outside {
 public:
  // What a server does with a query; returns whether it answers, after changing the answer.
  using Behaviour = std::function<bool(const Query& query, Message& answer)>;
  struct Host {
    Duration delay = milliseconds(20);
    bool dead = false;
    bool tcp = true;
    Behaviour behaviour{};
    std::vector<std::string_view> zones{kZone, kElsewhere};
  };

  explicit World(std::vector<Host> hosts, const Options& options = {})
      : hosts_(std::move(hosts)), engine({0x1234, 0x5678}, *this, options) {
    std::vector<Endpoint> servers;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      servers.push_back(server_at(static_cast<unsigned>(i + 1)));
      authorities_.push_back(&authority_for(hosts_[i].zones));
    }
    engine.set_servers(servers);
  }

  // Outside
  void send(Slot slot, const Endpoint& server, Transport transport, Bytes query) override {
    queries.push_back({slot, server, transport, Message(query.begin(), query.end()), now});
    const auto number = static_cast<std::size_t>(server.address.v4().value & 0xff) - 1;
    ASSERT_LT(number, hosts_.size());
    Host& host = hosts_[number];
    const Query& sent = queries.back();
    if (host.dead) return;
    if (transport == Transport::kTcp && !host.tcp) {
      events_.emplace(now + host.delay, [this, slot] { engine.failed(slot, now); });
      return;
    }
    Message answer(2048);
    answer.resize(authorities_[number]->answer(
        sent.bytes, answer,
        transport == Transport::kTcp ? dns::Transport::kTcp : dns::Transport::kUdp));
    if (host.behaviour && !host.behaviour(sent, answer)) return;
    events_.emplace(now + host.delay * (transport == Transport::kTcp ? 2 : 1),
                    [this, slot, server, answer = std::move(answer)] {
                      engine.receive(slot, server, answer, now);
                    });
  }
  void close(Slot slot) override { closed.push_back(slot); }
  void done(Lookup& lookup) override { finished.push_back(&lookup); }

  void at(Instant when, std::function<void()> what) { events_.emplace(when, std::move(what)); }
  Host& host(unsigned number) { return hosts_[number - 1]; }

  // Runs until the lookup is done, or the time is reached.
  void run(const Lookup& lookup) {
    while (!lookup.done()) ASSERT_TRUE(step()) << "nothing happens any more";
  }
  void run_until(Instant when) {
    while (next() <= when) step();
    now = when;
  }
  std::string addresses(std::string_view host) {
    Lookup lookup;
    engine.resolve(lookup, host, now);
    run(lookup);
    return text(lookup);
  }
  std::string records(std::string_view name, dns::Type type) {
    Lookup lookup;
    engine.query(lookup, name, type, now);
    run(lookup);
    return text(lookup);
  }
  // "2001:db8::1 192.0.2.1", or the error.
  static std::string text(const Lookup& lookup) {
    if (const auto error = lookup.error())
      return std::string(Text<200>(std::in_place, *error).view());
    std::string out;
    for (const Part& part : lookup.parts()) {
      sig::RecordReader reader(part.records);
      for (Bytes rdata; reader.next(rdata);) {
        Text<64> one;
        if (part.type == dns::Type::kA || part.type == dns::Type::kAaaa) {
          write_text(one, IpAddress::of_octets(rdata));
        } else {
          for (const std::byte each : rdata) one.put_hex(static_cast<std::uint64_t>(each), 2);
        }
        out += (out.empty() ? "" : " ") + std::string(one.view());
      }
    }
    return out;
  }

  Instant now{seconds(1000).ns};
  std::vector<Query> queries;
  std::vector<Slot> closed;
  std::vector<Lookup*> finished;

 private:
  // Loaded once for all worlds.
  static dns::Engine& authority_for(const std::vector<std::string_view>& zones) {
    static std::map<std::vector<std::string_view>, dns::Engine> loaded;
    const auto [at, added] = loaded.try_emplace(zones);
    if (added) {
      for (const std::string_view zone : zones) EXPECT_TRUE(at->second.load("zone", zone));
      at->second.build();
    }
    return at->second;
  }
  Instant next() {
    const Instant deadline = engine.next_deadline();
    return events_.empty() ? deadline : std::min(deadline, events_.begin()->first);
  }
  bool step() {
    const Instant when = next();
    if (when.is_never()) return false;
    now = std::max(now, when);
    if (!events_.empty() && events_.begin()->first <= now) {
      auto event = events_.extract(events_.begin());
      event.mapped()();
    } else {
      engine.tick(now);
    }
    return true;
  }

  std::vector<Host> hosts_;
  std::vector<dns::Engine*> authorities_;
  std::multimap<Instant, std::function<void()>> events_;

 public:
  Engine engine;
};

}  // namespace fata::resolver::test
