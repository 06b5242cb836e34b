// Two TCPs on a wire with delay, loss, reordering and duplication, on a virtual clock, without an
// event loop or IP.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <string>

#include "fata/base/pool.hpp"
#include "fata/tcp/table.hpp"

namespace fata::tcp::test {

struct WireOptions {
  Duration delay = milliseconds(10);
  Duration jitter{};
  unsigned loss = 0;  // in thousandths, like the rates below
  unsigned duplication = 0;
  std::size_t mtu = 1500;
  std::uint32_t gso_max = 0;
  bool checksum = false;
  bool v6 = false;
};

// A decoded segment in transit.
struct Seen {
  Instant at;
  int side;
  Header header;
  std::size_t length;
};

class Wire {
 public:
  class Side final : public ip::Layer {
   public:
    std::optional<ip::Path> path(const IpAddress& remote, const IpAddress& local) override {
      if (!local.is_any() && local != address) return std::nullopt;
      (void)remote;
      ip::Path path;
      path.source = address;
      path.mtu = mtu;
      path.link_mtu = wire->options.mtu;
      path.checksum = wire->options.checksum || wire->options.gso_max != 0;
      path.gso_max = wire->options.gso_max;
      return path;
    }
    PacketBuf allocate() override { return wire->pool.allocate(ip::kHeadroom); }
    void send(PacketBuf packet, const IpAddress& from, const IpAddress& to, std::uint8_t protocol,
              ip::Marks marks, bool, Instant now) override {
      EXPECT_EQ(protocol, kProtocol);
      EXPECT_EQ(from, address);
      wire->carry(*this, std::move(packet), to, marks, now);
    }
    void lower_path_mtu(const IpAddress&, std::size_t to, Instant) override { mtu = to; }
    void confirm_reachable(const IpAddress&, Instant) override {}

    Wire* wire = nullptr;
    int index = 0;
    IpAddress address;
    std::size_t mtu = 1500;
    std::unique_ptr<Table> table;
  };

  explicit Wire(const WireOptions& how = {}, Config config = {}, std::uint32_t seed = 1,
                Config other = {})
      : options(how), random(seed) {
    for (int i = 0; i < 2; ++i) {
      Side& side = sides[i];
      side.wire = this;
      side.index = i;
      side.mtu = how.mtu;
      if (how.v6) {
        std::array<std::byte, 16> octets{};
        octets[0] = std::byte{0xfd};
        octets[15] = static_cast<std::byte>(i + 1);
        side.address = IpAddress(octets);
      } else {
        side.address = Ipv4Address::of(10, 0, 0, static_cast<std::uint8_t>(i + 1));
      }
      const auto key = [&] { return SipKey{random(), random()}; };
      side.table = std::make_unique<Table>(i == 0 || !two ? config : other,
                                           Secrets{key(), key(), key(), key(), key()}, side);
    }
  }
  ~Wire() {
    flying.clear();
    for (Side& side : sides) side.table.reset();
    EXPECT_EQ(pool.available(), pool.count());
  }

  Table& left() { return *sides[0].table; }
  Table& right() { return *sides[1].table; }
  Endpoint at(int side, std::uint16_t port) const { return {sides[side].address, port}; }

  // Lets time pass until `done` or for `most`; true if done.
  bool run(const std::function<bool()>& done, Duration most = seconds(60)) {
    const Instant end = now + most;
    for (;;) {
      for (Side& side : sides) side.table->end_of_batch(now);
      if (done()) return true;
      Instant next = flying.empty() ? Instant::never() : flying.begin()->first;
      for (Side& side : sides) next = std::min(next, side.table->next_deadline());
      if (next > end) {
        now = end;
        return done();
      }
      now = std::max(now, next);
      while (!flying.empty() && flying.begin()->first <= now) {
        auto node = flying.extract(flying.begin());
        deliver(std::move(node.mapped()));
      }
      for (Side& side : sides) {
        if (side.table->next_deadline() <= now) side.table->tick(now);
      }
    }
  }
  void run_for(Duration time) {
    run([] { return false; }, time);
  }

  WireOptions options;
  std::mt19937_64 random;
  Instant now{1'000'000'000};
  BufferPool pool{8192, 2048};
  std::array<Side, 2> sides;
  std::vector<Seen> seen;
  // True: the packet is lost.
  std::function<bool(const Seen&)> drop;

 private:
  struct Flying {
    int to;
    IpAddress from;
    std::vector<std::byte> bytes;
    Offload offload;
    ip::Ecn ecn;
  };
  static constexpr bool two = true;

  void carry(Side& from, PacketBuf packet, const IpAddress&, ip::Marks marks, Instant) {
    std::vector<std::byte> bytes(packet.bytes().begin(), packet.bytes().end());
    for (const Slice& piece : packet.chain().pieces())
      bytes.insert(bytes.end(), piece.bytes().begin(), piece.bytes().end());
    const auto header = Header::parse(bytes);
    ASSERT_TRUE(header.has_value());
    const std::size_t room = (marks.path_probe ? options.mtu : from.mtu) - (options.v6 ? 40 : 20);
    if (packet.offload().gso == Offload::Gso::kNone) {
      EXPECT_LE(bytes.size(), room) << "too long for the path";
    } else {
      EXPECT_LE(std::size_t{packet.offload().gso_size} + packet.offload().header_length, room);
      EXPECT_LE(bytes.size() + 40, options.gso_max);
    }
    const Seen what{now, from.index, *header, bytes.size() - header->header_length};
    seen.push_back(what);
    const auto chance = [this](unsigned thousandths) {
      return thousandths != 0 && random() % 1000 < thousandths;
    };
    if (drop && drop(what)) return;
    if (chance(options.loss)) return;
    Offload offload = packet.offload();
    if (offload.checksum_needed) {
      wire::finish_checksum(bytes, offload);
      offload.checksum_needed = false;
    }
    for (int copies = chance(options.duplication) ? 2 : 1; copies != 0; --copies) {
      const Duration extra{
          options.jitter.ns == 0 ? 0 : static_cast<std::int64_t>(random() % options.jitter.ns)};
      flying.emplace(now + options.delay + extra,
                     Flying{1 - from.index, from.address, bytes, Offload{}, marks.ecn});
    }
  }
  void deliver(Flying packet) {
    ip::Packet in;
    in.source = packet.from;
    in.destination = sides[packet.to].address;
    in.ecn = packet.ecn;
    Bytes rest = packet.bytes;
    const auto header = Header::parse(rest);
    bool first = true;
    while (first || !rest.empty()) {
      PacketBuf buffer = pool.allocate();
      ASSERT_TRUE(static_cast<bool>(buffer));
      const std::size_t count = std::min<std::size_t>(rest.size(), 2048);
      copy_bytes(buffer.append(count), rest.first(count));
      rest = rest.subspan(count);
      if (first) {
        in.payload = Slice(std::move(buffer));
      } else if (!in.more.full()) {
        in.more.push(Slice(std::move(buffer)));
      } else {
        break;
      }
      first = false;
    }
    if (packet.bytes.size() > 2048 * 20) in.offload.checksum_valid = true;
    (void)header;
    sides[packet.to].table->receive(in, now);
  }

  std::multimap<Instant, Flying> flying;
};

// An application at one end: writes a text, reads everything.
class App final : public Observer {
 public:
  void on_events(unsigned events) noexcept override { events_ |= events; }
  ~App() { EXPECT_EQ(connection, nullptr); }

  Connection* connection = nullptr;
  unsigned events_ = 0;
  std::string received;

  void drain(Instant now) {
    while (true) {
      const Slice slice = connection->read(now);
      if (slice.empty()) break;
      received += slice.text();
    }
  }
  // Writes as much of `text` from `sent` on as fits.
  void feed(BufferPool& pool, Instant now) {
    bool any = false;
    while (sent < text.size() && connection->room() != 0) {
      PacketBuf buffer = pool.allocate();
      if (!buffer) break;
      const std::size_t count =
          std::min({text.size() - sent, std::size_t{1500}, connection->room()});
      copy_bytes(buffer.append(count), as_bytes(std::string_view(text).substr(sent, count)));
      Slice slice(std::move(buffer));
      const std::size_t taken = connection->write(slice, now);
      sent += taken;
      any = true;
      if (taken != count) break;
    }
    if (any) connection->push(now);
  }
  std::string text;
  std::size_t sent = 0;
};

inline std::string pattern(std::size_t size) {
  std::string text;
  text.reserve(size);
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

}  // namespace fata::tcp::test
