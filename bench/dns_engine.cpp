// Nanoseconds per answer of the DNS engine, for a small zone and for one of 1,000,000 records, and
// the cost of loading the large one.
//   dns_engine_bench [RECORDS [ROUNDS]]
// Batches are also measured with a Guard whose rate limit no client reaches: the cost of the guard.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "fata/dns/engine.hpp"
#include "fata/dns/message.hpp"

namespace {

using namespace fata;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Memory of this process in MB: "VmRSS" is the current size, "VmHWM" the peak.
double memory_mb(const char* what) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == std::string(what) + ":") {
      double kb = 0;
      status >> kb;
      return kb / 1000;
    }
  }
  return 0;
}

std::string zone_text(std::size_t records) {
  std::string text =
      "$ORIGIN example.org.\n$TTL 3600\n@ SOA ns1 hostmaster 1 7200 3600 1209600 3600\n@ NS ns1\n@ "
      "NS ns2\n"
      "ns1 A 192.0.2.1\nns2 A 192.0.2.2\n@ MX 10 mail\nmail A 192.0.2.3\nwww CNAME h0\nsub NS "
      "ns.sub\n"
      "ns.sub A 192.0.2.4\n*.wild TXT \"any\"\n";
  for (std::size_t i = 0; i < records; ++i) {
    text += "h" + std::to_string(i) + " A 10." + std::to_string(i >> 16 & 255) + "." +
            std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255) + "\n";
  }
  return text;
}

std::vector<std::byte> query(const std::string& name, dns::Type type, bool edns) {
  std::vector<std::byte> out(512);
  dns::Writer writer(out);
  writer.bytes(Bytes(out).first(dns::kHeaderSize));
  writer.question(*dns::Name::from_text(name), type, dns::Class::kIn);
  if (edns) writer.opt(1232, {});
  writer.header({.id = 1,
                 .flags = dns::flag::kRecursionDesired,
                 .questions = 1,
                 .additionals = static_cast<std::uint16_t>(edns ? 1 : 0)});
  out.resize(writer.position());
  return out;
}

std::size_t rounds = 4'000'000;

constexpr std::size_t kBatch = 64;

struct NoClock {
  Instant now() { return {}; }
  WallTime wall() { return {}; }
  Duration wall_error() { return kInfinite; }
};

// Nanoseconds per answer in batches. The queries come from 1,024 clients; the guard's clock
// advances by a microsecond per query.
double batched(dns::Engine& engine, const std::vector<std::vector<std::byte>>& queries,
               dns::Guard* guard, std::size_t& octets) {
  std::vector<std::byte> out(dns::kPlainUdpSize * 8);
  std::vector<IpAddress> clients;
  for (std::uint32_t i = 0; i < 1024; ++i) clients.push_back(Ipv4Address{0x0a000001 + i * 5 * 256});
  std::vector<dns::Exchange> batch(kBatch);
  for (dns::Exchange& exchange : batch) exchange.out = out;
  const auto start = Clock::now();
  for (std::size_t i = 0, q = 0; i < rounds; i += kBatch) {
    for (std::size_t n = 0; n < kBatch; ++n) {
      dns::Exchange& exchange = batch[n];
      exchange.query = queries[q];
      exchange.client = &clients[(i + n) % clients.size()];
      if (++q == queries.size()) q = 0;
    }
    if (guard != nullptr) guard->set_time(Instant{static_cast<std::int64_t>(i) * 1000});
    engine.answer_batch(batch, dns::Transport::kUdp, guard);
    octets += batch[0].size;
  }
  return seconds_since(start) * 1e9 / static_cast<double>(rounds);
}

void measure(const char* what, dns::Engine& engine,
             const std::vector<std::vector<std::byte>>& queries) {
  std::vector<std::byte> out(dns::kPlainUdpSize * 8);
  std::size_t octets = 0;
  const auto start = Clock::now();
  for (std::size_t i = 0, q = 0; i < rounds; ++i) {
    octets += engine.answer(queries[q], out, dns::Transport::kUdp);
    if (++q == queries.size()) q = 0;
  }
  const double single = seconds_since(start) * 1e9 / static_cast<double>(rounds);
  const double plain = batched(engine, queries, nullptr, octets);
  std::array<std::byte, dns::Guard::kSeedSize> seed;
  std::ranges::generate(seed,
                        [octet = 1]() mutable { return static_cast<std::byte>(octet += 75); });
  NoClock clock;
  dns::Guard guard(dns::RateLimit{dns::RateLimit::kMax}, {}, seed, &clock);
  const double guarded = batched(engine, queries, &guard, octets);
  std::printf(
      "  %-34s %6.0f ns   in batches of %zu %6.0f ns, guarded %6.0f ns   (%zu octets, %llu "
      "limited)\n",
      what, single, kBatch, plain, guarded, octets / rounds,
      static_cast<unsigned long long>(guard.counters()[dns::Guard::kLimited].value));
}

void run(std::size_t records) {
  dns::Engine engine;
  {
    const std::string text = zone_text(records);
    const auto start = Clock::now();
    if (const auto loaded = engine.load("bench.zone", text); !loaded) {
      Text<256> line(std::in_place, loaded.error());
      std::fprintf(stderr, "%.*s\n", static_cast<int>(line.view().size()), line.view().data());
      std::exit(1);
    }
    engine.build();
    std::printf(
        "%zu records (%.0f MB of text): loaded in %.2f s, %.1f MB (%.0f octets a record), RSS %.0f "
        "MB, peak "
        "%.0f MB\n",
        records, static_cast<double>(text.size()) / 1e6, seconds_since(start),
        static_cast<double>(engine.memory()) / 1e6,
        static_cast<double>(engine.memory()) / static_cast<double>(records), memory_mb("VmRSS"),
        memory_mb("VmHWM"));
  }
  std::mt19937 random(1);
  // Few queries for the small zone, so that the queries themselves stay in the caches. For the
  // large zone, more names than the caches hold.
  const std::size_t count = std::min<std::size_t>(records, 200'000);
  std::vector<std::vector<std::byte>> hosts, missing;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "h" + std::to_string(random() % records) + ".example.org.";
    hosts.push_back(query(name, dns::Type::kA, i % 2 == 0));
    missing.push_back(query("x" + name, dns::Type::kA, i % 2 == 0));
  }
  measure("A, random names", engine, hosts);
  measure("names that do not exist", engine, missing);
  measure("A, one name", engine, {query("h0.example.org.", dns::Type::kA, false)});
  measure("MX with its address", engine, {query("example.org.", dns::Type::kMx, true)});
  measure("CNAME to an address", engine, {query("www.example.org.", dns::Type::kA, true)});
  measure("wildcard", engine, {query("a.wild.example.org.", dns::Type::kTxt, true)});
  measure("referral", engine, {query("a.sub.example.org.", dns::Type::kA, true)});
  measure("no data", engine, {query("h0.example.org.", dns::Type::kAaaa, true)});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) rounds = std::strtoul(argv[2], nullptr, 10);
  run(1000);
  run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000);
}
