// Passes hostile responses, failures and time to a resolver with lookups in progress. A response
// without a query's ID, or from another address, must end no lookup; every lookup ends in time; and
// what it returns has whole records.
#include <algorithm>
#include <list>
#include <vector>

#include "fata/resolver/engine.hpp"
#include "input.hpp"

namespace {

using namespace fata;
using namespace fata::resolver;
using fata::fuzz::require;

constexpr std::size_t kServers = 3, kLookups = 6;
constexpr std::array<std::string_view, 8> kNames{
    "www.example.org", "a.b", "short", "alias.example.org.", "192.0.2.1", "localhost", "x..y", ""};
constexpr std::array kTypes{dns::Type::kA, dns::Type::kSrv, dns::Type::kMx, dns::Type::kTxt};

Endpoint server(std::size_t number) {
  return {Ipv4Address::of(10, 0, 0, static_cast<std::uint8_t>(number)), 53};
}

struct Query {
  Slot slot;
  Endpoint to;
  std::vector<std::byte> bytes;
};

class World final : public Outside {
 public:
  void send(Slot slot, const Endpoint& to, Transport, Bytes query) override {
    require(query.size() > 12);
    queries.push_back({slot, to, {query.begin(), query.end()}});
  }
  void close(Slot slot) override {
    require(std::erase_if(queries, [&](const Query& each) { return each.slot == slot; }) == 1);
  }
  void done(Lookup& lookup) override { require(lookup.done()); }

  std::vector<Query> queries;
};

void check(const Lookup& lookup) {
  if (lookup.error()) return;
  for (const Part& part : lookup.parts()) {
    if (part.error) continue;
    sig::RecordReader reader(part.records);
    std::size_t records = 0, octets = 0;
    for (Bytes rdata; reader.next(rdata); ++records) {
      octets += 2 + rdata.size();
      if (part.type == dns::Type::kA) require(rdata.size() == 4);
      if (part.type == dns::Type::kAaaa) require(rdata.size() == 16);
    }
    require(records != 0 && octets == part.records.bytes.size());
  }
}

// A response to the query with the input's flags, counts and records.
std::vector<std::byte> response(const Query& query, ByteReader& in) {
  std::vector<std::byte> message = query.bytes;
  const std::size_t question =
      std::ranges::find(message.begin() + 12, message.end(), std::byte{}) - message.begin() + 5;
  message.resize(std::min(question, message.size()));
  const Bytes head = in.take(std::min<std::size_t>(8, in.remaining()));
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (i != 2 && i != 3) message[2 + i] = head[i];  // one question
  }
  const Bytes body = in.take(std::min<std::size_t>(in.u16() % 700, in.remaining()));
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(std::as_bytes(std::span(data, size)));
  World world;
  Engine engine({3, 4}, world);
  std::array<Endpoint, kServers> servers;
  for (std::size_t i = 0; i < kServers; ++i) servers[i] = server(i);
  engine.set_servers(servers);
  const std::array domains{dns::Name::from_text("example.net.").value()};
  engine.set_search(domains);
  std::list<Lookup> lookups;
  Instant now{1};
  const auto pending = [&] {
    return std::ranges::count_if(lookups, [](const Lookup& each) { return !each.done(); });
  };
  while (in.ok() && !in.at_end()) {
    const std::uint8_t what = in.u8();
    Query query;
    if (!world.queries.empty()) query = world.queries[what / 8 % world.queries.size()];
    switch (what % 8) {
      case 0:
        if (lookups.size() == kLookups) lookups.pop_front();
        engine.resolve(lookups.emplace_back(), kNames[what / 8 % kNames.size()], now);
        break;
      case 1:
        if (lookups.size() == kLookups) lookups.pop_front();
        engine.query(lookups.emplace_back(), kNames[what / 32], kTypes[what / 8 % 4], now);
        break;
      case 2:
        now = now + milliseconds(in.u16());
        engine.tick(now);
        break;
      case 3:
        if (engine.next_deadline().is_never()) break;
        now = std::max(now, engine.next_deadline());
        engine.tick(now);
        break;
      case 4:
        if (!query.bytes.empty()) engine.failed(query.slot, now);
        break;
      case 5: {
        if (query.bytes.empty()) break;
        const auto before = pending();
        std::vector<std::byte> forged = response(query, in);
        if ((what & 0x80) != 0) {
          forged[0] = ~forged[0];
          engine.receive(query.slot, query.to, forged, now);
        } else {
          engine.receive(query.slot, server(9), forged, now);
        }
        require(pending() == before);
        break;
      }
      default:
        if (!query.bytes.empty()) engine.receive(query.slot, query.to, response(query, in), now);
    }
    for (const Lookup& each : lookups) {
      if (each.done()) check(each);
    }
  }
  const Instant latest = now + Engine::kLifetime * 2 + Engine::kGrace;
  while (pending() != 0) {
    require(!engine.next_deadline().is_never());
    now = std::max(now, engine.next_deadline());
    require(now <= latest);
    engine.tick(now);
  }
  return 0;
}
