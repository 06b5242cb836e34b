// A server's TCP, peers that send arbitrary segments, and honest clients among them.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <vector>

#include "fata/base/pool.hpp"
#include "fata/tcp/table.hpp"

namespace fata::tcp::test {

inline const IpAddress kHere = Ipv4Address::of(10, 0, 0, 1);

// A server and its sent segments, by destination.
class Server final : public ip::Layer {
 public:
  struct Sent {
    Header header;
    std::size_t length;
  };

  explicit Server(const Config& config = {}, std::size_t frame = 2048, std::uint64_t seed = 1)
      : frames(768, frame),
        table(config, {{seed, 2}, {3, seed}, {5, seed}, {7, seed}, {9, seed}}, *this) {
    listener = *table.listen({{}, 80}, 100'000, nullptr);
  }
  ~Server() { table.close(listener, now); }

  std::optional<ip::Path> path(const IpAddress&, const IpAddress&) override {
    return ip::Path{kHere};
  }
  PacketBuf allocate() override { return packets.allocate(ip::kHeadroom); }
  void send(PacketBuf packet, const IpAddress&, const IpAddress& remote, std::uint8_t, ip::Marks,
            bool, Instant) override {
    const auto header = Header::parse(packet.bytes());
    sent[{remote, header->destination_port}].push_back(
        {*header, packet.size() - header->header_length});
  }
  void lower_path_mtu(const IpAddress&, std::size_t, Instant) override {}
  void confirm_reachable(const IpAddress&, Instant) override {}

  void pass(Duration time) {
    const Instant end = now + time;
    while (table.next_deadline() <= end) {
      now = std::max(now, table.next_deadline());
      table.tick(now);
    }
    now = end;
  }

  BufferPool frames;
  BufferPool packets{64, 2048};
  struct Before {
    bool operator()(const Endpoint& a, const Endpoint& b) const {
      return a.port != b.port ? a.port < b.port : a.address.octets() < b.address.octets();
    }
  };
  std::map<Endpoint, std::deque<Sent>, Before> sent;
  Instant now{1'000'000'000};
  Table table;
  Listener* listener = nullptr;
};

inline std::byte pattern_at(std::uint32_t offset) {
  return static_cast<std::byte>((offset * 2654435761u) >> 24);
}

// A peer that sends arbitrary segments.
class Peer {
 public:
  Peer(Server& server, std::uint32_t number)
      : server_(&server),
        here_{Ipv4Address{0x0a010000 + number / 50'000},
              static_cast<std::uint16_t>(1024 + number % 50'000)} {}

  bool open() {
    Header syn;
    syn.seq = seq - 1;
    syn.flags = kSyn;
    syn.options.mss = 1460;
    syn.options.sack_permitted = true;
    syn.options.has_window_scale = true;
    syn.options.window_scale = 0;
    say(syn, 0, 0);
    const auto answer = heard();
    if (!answer || !answer->header.has(kSyn)) return false;
    ack = answer->header.seq + 1;
    say_ack();
    connection = server_->table.accept(*server_->listener);
    return connection != nullptr;
  }
  std::optional<Server::Sent> heard() {
    auto& queue = server_->sent[here_];
    if (queue.empty()) return std::nullopt;
    const Server::Sent sent = queue.front();
    queue.pop_front();
    return sent;
  }
  void say_ack(std::uint16_t with_window = 65535) {
    window = with_window;
    Header header;
    header.seq = seq;
    header.flags = kAck;
    say(header, 0, 0);
  }
  // Sends bytes of its stream.
  void data(std::uint32_t offset, std::uint32_t length) {
    Header header;
    header.seq = seq + offset;
    header.flags = kAck;
    say(header, offset, length);
  }
  void say(Header header, std::uint32_t offset, std::uint32_t length) {
    header.source_port = here_.port;
    header.destination_port = 80;
    header.ack = header.has(kAck) ? ack : 0;
    header.window = window;
    ip::Packet packet{here_.address, kHere, {}, {}, {}};
    packet.offload.checksum_valid = true;
    PacketBuf buffer = server_->frames.allocate();
    ASSERT_TRUE(buffer);
    header.write(buffer.append(kHeaderSize + header.options.size()));
    MutableBytes bytes = buffer.append(length);
    for (std::uint32_t i = 0; i < length; ++i) bytes[i] = pattern_at(offset + i);
    packet.payload = Slice(std::move(buffer));
    (void)server_->table.receive(packet, server_->now);
    server_->table.end_of_batch(server_->now);
  }

  std::uint16_t window = 65535;
  Seq seq = 0xfffff000;
  Seq ack = 0;
  Connection* connection = nullptr;

 private:
  Server* server_;
  Endpoint here_;
};

// A client that sends a request and gets a reply, on its own connection.
inline bool serves_an_honest_client(Server& server, std::uint32_t number) {
  Peer client(server, number);
  if (!client.open()) return false;
  client.data(0, 100);
  const Slice request = client.connection->read(server.now);
  while (client.heard()) {
  }
  Slice answer(server.frames.copy(std::vector<std::byte>(200)));
  const std::size_t taken = client.connection->write(answer, server.now);
  client.connection->push(server.now);
  bool came = false;
  while (const auto sent = client.heard()) came = came || sent->length == 200;
  client.ack += 200;
  client.seq += 100;
  client.say_ack();
  server.table.release(client.connection, server.now);
  Header reset;
  reset.seq = client.seq;
  reset.flags = kRst;
  client.say(reset, 0, 0);
  return request.size() == 100 && taken == 200 && came;
}

}  // namespace fata::tcp::test
