// Two TCP engines back to back in memory: bytes, segments, requests and connections per second of
// one core that runs both ends.
//   tcp_engine_bench [KIND|all [DIVISOR]]
// DIVISOR divides the amount of work, for callgrind.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "fata/base/pool.hpp"
#include "fata/tcp/table.hpp"

namespace {

using namespace fata;
using namespace fata::tcp;

struct Wire;
struct Side final : ip::Layer {
  std::optional<ip::Path> path(const IpAddress&, const IpAddress&) override {
    ip::Path path{address, 1500};
    path.checksum = checksum;
    path.gso_max = gso;
    return path;
  }
  PacketBuf allocate() override { return pool->allocate(ip::kHeadroom); }
  void send(PacketBuf packet, const IpAddress& local, const IpAddress& remote, std::uint8_t,
            ip::Marks, bool, Instant) override {
    ip::Packet in;
    in.source = local;
    in.destination = remote;
    in.offload.checksum_valid = packet.offload().checksum_needed;
    in.more = std::move(packet.chain());
    in.payload = Slice(std::move(packet));
    out.push_back(std::move(in));
  }
  void lower_path_mtu(const IpAddress&, std::size_t, Instant) override {}
  void confirm_reachable(const IpAddress&, Instant) override {}

  IpAddress address;
  BufferPool* pool = nullptr;
  std::uint32_t gso = 0;
  bool checksum = true;
  std::vector<ip::Packet> out;
};

struct Wire {
  explicit Wire(std::uint32_t gso, bool checksum, Config config = {}) {
    for (Side* side : {&left, &right}) {
      side->pool = &pool;
      side->gso = gso;
      side->checksum = checksum;
      side->out.reserve(4096);
    }
    left.address = Ipv4Address::of(10, 0, 0, 1);
    right.address = Ipv4Address::of(10, 0, 0, 2);
    a = std::make_unique<Table>(config, Secrets{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}, left);
    b = std::make_unique<Table>(config, Secrets{{1, 3}, {3, 5}, {5, 7}, {7, 9}, {9, 11}}, right);
  }
  // Delivers the packets that each side sent to the other, in batches.
  void turn() {
    now = now + microseconds(20);
    std::swap(moving, left.out);
    std::size_t in_batch = 0;
    for (ip::Packet& packet : moving) {
      (void)b->receive(packet, now);
      if (++in_batch != 64) continue;
      in_batch = 0;
      b->end_of_batch(now);
      drain();
    }
    packets += moving.size();
    moving.clear();
    b->end_of_batch(now);
    drain();
    std::swap(moving, right.out);
    for (ip::Packet& packet : moving) (void)a->receive(packet, now);
    packets += moving.size();
    moving.clear();
    a->end_of_batch(now);
    if (a->next_deadline() <= now) a->tick(now);
    if (b->next_deadline() <= now) b->tick(now);
  }

  // Runs after each batch: the application reads all available data.
  void drain() {
    if (reader == nullptr) return;
    for (Slice slice = reader->read(now); !slice.empty(); slice = reader->read(now))
      got += slice.size();
  }

  BufferPool pool{16384, 2048};
  Connection* reader = nullptr;
  std::uint64_t got = 0;
  Side left, right;
  std::unique_ptr<Table> a, b;
  std::vector<ip::Packet> moving;
  Instant now{1'000'000'000};
  std::uint64_t packets = 0;
};

std::uint64_t segments = 0;  // packets of all measurements

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void open(Wire& wire, Connection*& client, Connection*& server, Listener*& listener) {
  listener = *wire.b->listen({IpAddress{}, 80}, 16, nullptr);
  client = *wire.a->connect({}, {wire.right.address, 80}, {}, nullptr, wire.now);
  while ((server = wire.b->accept(*listener)) == nullptr) wire.turn();
}
void close(Wire& wire, Connection* client, Connection* server, Listener* listener) {
  client->abort(wire.now);
  server->abort(wire.now);
  wire.a->release(client, wire.now);
  wire.b->release(server, wire.now);
  wire.b->close(listener, wire.now);
  for (int i = 0; i < 4; ++i) wire.turn();
}

void bulk(const char* what, std::uint32_t gso, bool checksum, std::uint64_t bytes) {
  Config config;
  if (gso != 0) config.borrowed = 8 << 20;  // as for a device with large buffers
  Wire wire(gso, checksum, config);
  Connection *client, *server;
  Listener* listener;
  open(wire, client, server, listener);
  const auto start = std::chrono::steady_clock::now();
  wire.packets = 0;
  wire.reader = server;
  PacketBuf filled = wire.a->allocate();
  (void)filled.append(filled.tailroom());
  const Slice block(std::move(filled));
  while (wire.got < bytes) {
    while (client->room() >= block.size()) {
      Slice slice = block;
      if (client->write(slice, wire.now) == 0) break;
    }
    client->push(wire.now);
    wire.turn();
  }
  const double time = seconds_since(start);
  std::printf("%-32s %8.2f Gb/s, %6.2f M packets/s, %5.0f ns a packet, cwnd %u, retransmits %u\n",
              what, static_cast<double>(wire.got) * 8 / time / 1e9,
              static_cast<double>(wire.packets) / time / 1e6,
              time * 1e9 / static_cast<double>(wire.packets), client->stats().cwnd,
              client->stats().retransmits);
  segments += wire.packets;
  close(wire, client, server, listener);
}

void request_response(std::uint64_t count) {
  Wire wire(0, true);
  Connection *client, *server;
  Listener* listener;
  open(wire, client, server, listener);
  PacketBuf filled = wire.a->allocate();
  (void)filled.append(64);
  const Slice request(std::move(filled));
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    Slice slice = request;
    (void)client->write(slice, wire.now);
    client->push(wire.now);
    while (!server->readable()) wire.turn();
    (void)server->read(wire.now);
    slice = request;
    (void)server->write(slice, wire.now);
    server->push(wire.now);
    while (!client->readable()) wire.turn();
    (void)client->read(wire.now);
  }
  const double time = seconds_since(start);
  std::printf("%-32s %8.2f M/s\n", "requests of 64 B answered",
              static_cast<double>(count) / time / 1e6);
  segments += wire.packets;
  close(wire, client, server, listener);
}

void connections(std::uint64_t count) {
  Wire wire(0, true);
  Listener* listener = *wire.b->listen({IpAddress{}, 80}, 16, nullptr);
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t opened = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto client = wire.a->connect({}, {wire.right.address, 80}, {}, nullptr, wire.now);
    if (!client) break;
    Connection* server = nullptr;
    for (int turns = 0; turns < 100 && (server = wire.b->accept(*listener)) == nullptr; ++turns)
      wire.turn();
    if (server == nullptr) break;
    wire.a->release(*client, wire.now);
    wire.b->release(server, wire.now);
    ++opened;
    // Advance the clock so that TIME-WAIT ends and ports become free again.
    wire.now = wire.now + milliseconds(2);
    wire.turn();
  }
  const double time = seconds_since(start);
  std::printf("%-32s %8.0f k/s, %llu of %llu, %zu in TIME-WAIT\n", "connections opened and closed",
              static_cast<double>(opened) / time / 1e3, static_cast<unsigned long long>(opened),
              static_cast<unsigned long long>(count), wire.a->time_waits());
  segments += wire.packets;
  wire.b->close(listener, wire.now);
  for (int i = 0; i < 4; ++i) wire.turn();
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  const std::string_view chosen = words.size() > 1 ? words[1] : "all";
  const std::uint64_t divisor =
      words.size() > 2 ? std::max(1ULL, std::strtoull(words[2], nullptr, 10)) : 1;
  const auto wanted = [&](std::string_view kind) { return chosen == "all" || chosen == kind; };
  if (wanted("bulk")) bulk("bulk, MSS 1448, no checksum", 0, true, 4'000'000'000 / divisor);
  if (wanted("checksum")) bulk("bulk, MSS 1448, with checksum", 0, false, 4'000'000'000 / divisor);
  if (wanted("large")) bulk("bulk, 64 KiB packets", 65535, true, 40'000'000'000 / divisor);
  if (wanted("requests")) request_response(1'000'000 / divisor);
  if (wanted("connections")) connections(1'000'000 / divisor);
  std::printf("%-32s %8llu\n", "segments in all", static_cast<unsigned long long>(segments));
  std::printf("%-32s %8zu bytes\n", "an idle connection", sizeof(Connection));
}
