// Two hosts with IP engines on Ethernet links of any MTU and a router between them. The router
// drops packets that are too long for its own path, with or without an ICMP error, but lets them
// pass if DF is clear.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>

#include "../../ip/test/nodes.hpp"
#include "fata/wire/segmentation.hpp"
#include "wire.hpp"

namespace fata::tcp::test {

using namespace wire::test;

struct PathOptions {
  bool v6 = false;
  std::array<std::size_t, 2> link{1500, 1500};  // MTU at each host
  std::size_t router = 65535;                   // MTU between them
  bool icmp = true;                             // ICMP errors are sent
  bool offload = false;                // the devices complete checksums, gather and segment
  std::size_t buffers = 0;             // size of a device's buffers in bytes; 0: to fit the MTU
  std::optional<std::uint16_t> mss{};  // overrides the MSS in each SYN; 0: removes the option
  Duration delay = milliseconds(1);
};

class PathEnd final : public ip::PacketSink {
 public:
  PathEnd(const PathOptions& options, int index, const Config& config, Instant now)
      : pool(256, options.buffers != 0 ? options.buffers : options.link[index] + 128),
        v6({{std::uint64_t(index) + 1, 7}, 100, 0}),
        host(&v4, &v6),
        table(config, secrets(index), host) {
    host.attach(ip::protocol::kTcp, table);
    sig::NetFeatures can{};
    if (options.offload) can.tx_checksum = can.gather = can.tso4 = can.tso6 = true;
    const auto last = static_cast<std::uint8_t>(index + 1);
    link = host.add_interface({mac(last), options.link[index], can}, *this, now);
    std::array<std::byte, 16> octets{};
    octets[0] = std::byte{0xfd}, octets[15] = static_cast<std::byte>(last);
    if (options.v6) {
      address = IpAddress(octets);
      v6.start(*link, now);
      EXPECT_TRUE(v6.add_address(*link, {address, 64}, now));
    } else {
      address = v4_address(last);
      EXPECT_TRUE(
          v4.add_address(*link, {v4_address(last), 24}, now, ip::ipv4::Engine::Claim::kAnnounce));
    }
  }

  PacketBuf allocate(std::size_t headroom) override { return pool.allocate(headroom); }
  void transmit(PacketBuf frame) override {
    if (frame.offload().gso == Offload::Gso::kNone) return finish(std::move(frame));
    for (wire::Segmenter segments(std::move(frame)); segments.size() != 0;) {
      PacketBuf segment = cutting.allocate(0);
      segments.next(segment);
      finish(std::move(segment));
    }
  }

  BufferPool pool;
  BufferPool cutting{4, 65535 + 128};
  ip::ipv4::Engine v4;
  ip::ipv6::Engine v6;
  ip::Host host;
  Table table;
  ip::Interface* link = nullptr;
  IpAddress address;
  std::vector<Frame> out;

 private:
  static Secrets secrets(int index) {
    const auto i = static_cast<std::uint64_t>(index);
    return {{i, 1}, {i, 2}, {i, 3}, {i, 4}, {i, 5}};
  }
  void finish(PacketBuf packet) {
    Frame frame(packet.bytes().begin(), packet.bytes().end());
    for (const Slice& piece : packet.chain().pieces())
      frame.insert(frame.end(), piece.bytes().begin(), piece.bytes().end());
    wire::finish_checksum(frame, packet.offload());
    out.push_back(std::move(frame));
  }
};

class NarrowPath {
 public:
  explicit NarrowPath(const PathOptions& how, const Config& config = {})
      : options(how), ends{PathEnd(how, 0, config, now), PathEnd(how, 1, config, now)} {}

  bool run(const std::function<bool()>& done, Duration most) {
    const Instant end = now + most;
    for (;;) {
      for (PathEnd& each : ends) {
        each.host.end_of_batch(now);
        collect(each);
      }
      if (done()) return true;
      Instant next = flying.empty() ? Instant::never() : flying.begin()->first;
      for (PathEnd& each : ends) next = std::min(next, each.host.next_deadline());
      if (next > end) return now = end, done();
      now = std::max(now, next);
      while (!flying.empty() && flying.begin()->first <= now) {
        auto node = flying.extract(flying.begin());
        deliver(ends[node.mapped().to], node.mapped().frame);
      }
      for (PathEnd& each : ends) {
        if (each.host.next_deadline() <= now) each.host.tick(now);
      }
    }
  }

  PathOptions options;
  Instant now{1'000'000'000};
  BufferPool receive{512, 4096};
  std::array<PathEnd, 2> ends;
  std::array<std::uint16_t, 2> offered{};     // MSS that each offered; 0: none yet
  std::array<std::size_t, 2> longest_data{};  // of a segment, including its options
  std::size_t dropped = 0;                    // too long for the router
  std::size_t cut = 0;                        // too long, but without DF
  std::string fault;

 private:
  struct Flying {
    int to;
    Frame frame;
  };

  void collect(PathEnd& from) {
    for (Frame& frame : std::exchange(from.out, {})) carry(from, std::move(frame));
  }
  void carry(PathEnd& from, Frame frame) {
    const int index = &from == &ends[0] ? 0 : 1;
    const std::size_t size = frame.size() - wire::ethernet::kHeaderSize;
    if (size > options.link[index]) fault = "a packet of " + std::to_string(size) + " on the link";
    const auto type = load_be<std::uint16_t>(Bytes(frame).subspan(12));
    const bool is_ip = type == 0x0800 || type == 0x86dd;
    const std::size_t header = type == 0x0800 ? 20 : 40;
    const std::size_t next_at = type == 0x0800 ? 9 : 6;
    const bool fragment =
        type == 0x0800 && (load_be<std::uint16_t>(Bytes(frame).subspan(20)) & 0x3fff) != 0;
    if (is_ip && !fragment &&
        frame[wire::ethernet::kHeaderSize + next_at] == std::byte{ip::protocol::kTcp})
      look_at_segment(index, frame, wire::ethernet::kHeaderSize + header);
    // The narrowest remaining hop.
    const std::size_t path = std::min(options.router, options.link[1 - index]);
    if (is_ip && size > path) {
      const bool may_fragment = type == 0x0800 && (frame[20] & std::byte{0x40}) == std::byte{};
      if (!may_fragment) {
        ++dropped;
        if (options.icmp) refuse(index, frame, path);
        return;
      }
      ++cut;
    }
    flying.emplace(now + options.delay, Flying{1 - index, std::move(frame)});
  }
  void look_at_segment(int index, Frame& frame, std::size_t at) {
    const auto header = Header::parse(Bytes(frame).subspan(at));
    if (!header) return void(fault = "a malformed segment");
    if (header->has(kSyn)) {
      offered[index] = header->options.mss;
      if (options.mss) rewrite(index, frame, at, *options.mss);
    }
    const std::size_t size = frame.size() - at - kHeaderSize;
    const bool data = frame.size() - at > header->header_length;
    if (data && !header->has(kSyn)) longest_data[index] = std::max(longest_data[index], size);
  }
  // Rewrites the MSS as middleboxes do; our SYNs always begin with the MSS option.
  void rewrite(int index, Frame& frame, std::size_t at, std::uint16_t mss) {
    const MutableBytes segment = MutableBytes(frame).subspan(at);
    ASSERT_EQ(segment[20], std::byte{2});
    if (mss == 0) {
      for (std::byte& each : segment.subspan(20, 4)) each = std::byte{1};
    } else {
      store_be(segment.subspan(22), mss);
    }
    store_be(segment.subspan(16), std::uint16_t{0});
    wire::ChecksumSum sum;
    add_pseudo_header(sum, ends[index].address, ends[1 - index].address, segment.size());
    sum.add(segment);
    store_be(segment.subspan(16), sum.finish());
  }
  void refuse(int to, const Frame& frame, std::size_t path) {
    const Frame packet(frame.begin() + wire::ethernet::kHeaderSize, frame.end());
    Frame answer;
    if (options.v6) {
      Frame rest(4);
      store_be(MutableBytes(rest), static_cast<std::uint32_t>(path));
      const Frame quoted(packet.begin(),
                         packet.begin() + std::min<std::ptrdiff_t>(packet.size(), 1200));
      answer = icmp6_frame({ends[1 - to].address, ends[to].address}, 2, 0, rest + quoted);
    } else {
      Frame rest(4);
      store_be(MutableBytes(rest).subspan(2), static_cast<std::uint16_t>(path));
      const Frame quoted(packet.begin(), packet.begin() + 28);
      answer =
          ip_frame({.from = ends[1 - to].address.v4(), .to = ends[to].address.v4(), .protocol = 1},
                   icmp_message(3, 4, rest + quoted));
    }
    copy_bytes(answer, mac(static_cast<std::uint8_t>(to + 1)).octets);
    flying.emplace(now + options.delay, Flying{to, std::move(answer)});
  }
  void deliver(PathEnd& to, const Frame& frame) {
    sig::RxFrame in;
    Bytes rest = frame;
    while (!rest.empty()) {
      const Bytes part = rest.first(std::min<std::size_t>(rest.size(), 4096));
      rest = rest.subspan(part.size());
      if (in.frame.empty()) {
        in.frame = Slice(receive.copy(part));
      } else {
        in.more.push(Slice(receive.copy(part)));
      }
    }
    to.host.receive(*to.link, std::move(in), now);
  }

  std::multimap<Instant, Flying> flying;
};

// One connection, text in both directions, and its orderly end.
struct Exchange {
  Exchange(const PathOptions& how, const Config& config, std::size_t bytes, bool again = false)
      : path(how, config) {
    for (App* app : {&left, &right}) app->text = pattern(bytes);
    listener = *path.ends[1].table.listen({IpAddress{}, 80}, 4, nullptr);
    for (int i = again ? 0 : 1; i < 2; ++i) run(config);
    path.ends[1].table.close(listener, path.now);
    for (PathEnd& end : path.ends) {
      retransmitted += end.table.count(Table::kRetransmitted);
      fast_opens += end.table.count(Table::kFastOpens);
    }
  }

  void run(const Config& config) {
    Table& client = path.ends[0].table;
    Table& server = path.ends[1].table;
    for (App* app : {&left, &right}) app->sent = 0, app->received.clear();
    const Instant begin = path.now;
    const auto made = client.connect({}, {path.ends[1].address, 80}, config.flow, &left, path.now);
    ASSERT_TRUE(made.has_value());
    left.connection = *made;
    done = path.run(
        [&] {
          if (right.connection == nullptr &&
              (right.connection = server.accept(*listener)) != nullptr)
            right.connection->observe(&right);
          for (App* app : {&left, &right}) {
            if (app->connection == nullptr) continue;
            app->drain(path.now);
            if (app->connection->can_write()) app->feed(source, path.now);
          }
          return left.received.size() >= right.text.size() &&
                 right.received.size() >= left.text.size();
        },
        seconds(900));
    took = path.now - begin;
    right_text = left.received == right.text && right.received == left.text;
    if (left.connection != nullptr) {
      mss[0] = left.connection->stats().mss;
      client.release(std::exchange(left.connection, nullptr), path.now);
    }
    if (right.connection != nullptr) {
      mss[1] = right.connection->stats().mss;
      server.release(std::exchange(right.connection, nullptr), path.now);
    }
    (void)path.run([&] { return client.connections() + server.connections() == 0; }, seconds(5));
    left_over = client.connections() + server.connections();
  }

  NarrowPath path;
  BufferPool source{128, 2048};
  App left, right;
  Listener* listener = nullptr;
  bool done = false, right_text = false;
  Duration took{};
  std::array<std::uint32_t, 2> mss{};
  std::uint64_t retransmitted = 0, fast_opens = 0;
  std::size_t left_over = 0;
};

}  // namespace fata::tcp::test
