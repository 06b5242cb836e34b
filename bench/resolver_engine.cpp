// Lookups a second of the resolver's engine on one core, from its cache. Each round looks up every
// name, in an order in which neighbours in the cache are not neighbours in time.
//
// Usage: resolver_engine_bench [SECONDS]
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "fata/dns/engine.hpp"
#include "fata/resolver/engine.hpp"

namespace {

using namespace fata;
using namespace fata::resolver;

constexpr unsigned kNames = 100;  // of two types each: all of them stay in the cache

// Answers every query at once.
class Network final : public Outside {
 public:
  explicit Network(dns::Engine& authority) : authority_(&authority) {}
  void send(Slot slot, const Endpoint& server, resolver::Transport, Bytes query) override {
    queries.push_back({slot, server, {query.begin(), query.end()}});
  }
  void close(Slot) override {}
  void done(Lookup&) override {}

  void answer_all(Engine& engine, Instant now) {
    while (!queries.empty()) {
      const Query query = std::move(queries.back());
      queries.pop_back();
      std::vector<std::byte> answer(2048);
      answer.resize(authority_->answer(query.bytes, answer, dns::Transport::kUdp));
      engine.receive(query.slot, query.server, answer, now);
    }
  }

 private:
  struct Query {
    Slot slot;
    Endpoint server;
    std::vector<std::byte> bytes;
  };
  std::vector<Query> queries;
  dns::Engine* authority_;
};

// Of processor time, so that other programs on the machine do not count.
double seconds_used() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <class Body>
void measure(const char* what, double least, Body&& body) {
  std::uint64_t lookups = 0;
  const double begin = seconds_used();
  while (seconds_used() - begin < least) {
    for (unsigned i = 0; i < kNames; ++i) body(i * 197 % kNames);
    lookups += kNames;
  }
  const double took = seconds_used() - begin;
  std::printf("%-40s %10.0f lookups/s, %6.1f ns each\n", what, static_cast<double>(lookups) / took,
              took / static_cast<double>(lookups) * 1e9);
}

}  // namespace

int main(int count, char** words) {
  const double least = count > 1 ? std::atof(words[1]) : 1;
  dns::Engine authority;
  const std::string zone =
      "$ORIGIN example.org.\n$TTL 86400\n@ SOA ns hostmaster 1 7200 3600 1209600 60\n@ NS ns\n"
      "ns A 192.0.2.53\n$GENERATE 0-" +
      std::to_string(kNames - 1) + " host$ A 192.0.2.1\n$GENERATE 0-" + std::to_string(kNames - 1) +
      " host$ AAAA 2001:db8::1\n";
  if (!authority.load("zone", zone)) return 1;
  authority.build();
  Network network(authority);
  Engine engine({1, 2}, network);
  const std::vector servers{Endpoint{Ipv4Address::of(192, 0, 2, 53), 53}};
  engine.set_servers(servers);
  const Instant now{seconds(1000).ns};
  std::vector<std::string> names;
  for (unsigned i = 0; i < kNames; ++i)
    names.push_back("host" + std::to_string(i) + ".example.org");
  for (const std::string& name : names) {
    Lookup lookup;
    engine.resolve(lookup, name, now);
    network.answer_all(engine, now);
    if (!lookup.done() || lookup.error()) return 1;
  }
  const std::uint64_t before = engine.count(Engine::kQueries);
  measure("cached, one type (A)", least, [&](unsigned i) {
    Lookup lookup;
    engine.query(lookup, names[i], dns::Type::kA, now);
    if (!lookup.done()) std::abort();
  });
  measure("cached, both families", least, [&](unsigned i) {
    Lookup lookup;
    engine.resolve(lookup, names[i], now);
    if (!lookup.done()) std::abort();
  });
  return engine.count(Engine::kQueries) == before ? 0 : 1;
}
