// Sends hostile segments to a TCP engine that has a listener, one connection that it opened itself,
// and any connections that the segments open. Time passes, and the application writes, reads,
// closes and aborts. Invariants: every sent segment is well formed, memory use stays within its
// limit, and every buffer is back in its pool at the end.
#include <array>
#include <cstdint>
#include <vector>

#include "fata/base/pool.hpp"
#include "fata/tcp/table.hpp"
#include "input.hpp"
#include "segments.hpp"

namespace {

using namespace fata;
using namespace fata::ip;
using namespace fata::tcp;
using namespace fata::tcp::fuzz;

using fata::fuzz::require;

const Endpoint kUs{Ipv4Address::of(10, 0, 0, 1), 80};
const IpAddress kPeer{Ipv4Address::of(10, 0, 0, 2)};

class FuzzIp final : public ip::Layer {
 public:
  explicit FuzzIp(BufferPool& pool, bool gso) : pool_(&pool), gso_(gso) {}
  std::optional<ip::Path> path(const IpAddress& remote, const IpAddress& local) override {
    if (remote != kPeer && remote != kUs.address) return std::nullopt;
    if (!local.is_any() && local != kUs.address) return std::nullopt;
    ip::Path path{kUs.address, mtu_};
    path.checksum = gso_;
    path.gso_max = gso_ ? 65535 : 0;
    return path;
  }
  PacketBuf allocate() override { return pool_->allocate(ip::kHeadroom); }
  void send(PacketBuf packet, const IpAddress& local, const IpAddress& remote,
            std::uint8_t protocol, ip::Marks marks, bool, Instant) override {
    require(protocol == kProtocol && local == kUs.address && remote == kPeer);
    const auto header = Header::parse(packet.bytes());
    require(header.has_value());
    const bool gso = packet.offload().gso != Offload::Gso::kNone;
    require(gso || packet.total_size() + 20 <= (marks.path_probe ? 1500 : mtu_) ||
            packet.total_size() <= 128);
    require(!gso || (gso_ && packet.total_size() + 20 <= 65535));
    if (!packet.offload().checksum_needed)
      require(checksum_holds(local, remote, packet.bytes(), packet.chain()));
    seen_.take(*header, packet.total_size() - header->header_length);
  }
  void lower_path_mtu(const IpAddress&, std::size_t mtu, Instant) override { mtu_ = mtu; }
  void confirm_reachable(const IpAddress&, Instant) override {}

  BufferPool* pool_;
  bool gso_;
  std::size_t mtu_ = 1500;
  Seen seen_;
};

struct Deaf final : Observer {
  void on_events(unsigned) noexcept override {}
};

void segment(Input& in, Table& table, FuzzIp& ip, BufferPool& pool, Instant now) {
  PacketBuf packet = pool.allocate();
  std::uint8_t which = 0;
  if (!packet || !make_segment(in, ip.seen_, now, packet, which)) return;
  ip::Packet out;
  out.source = kPeer;
  out.destination = kUs.address;
  out.offload.checksum_valid = true;
  out.ecn = static_cast<ip::Ecn>(in.pick(4));
  out.payload = Slice(std::move(packet));
  for (std::uint32_t pieces = (which & 64) != 0 ? in.pick(4) : 0; pieces != 0; --pieces) {
    PacketBuf piece = pool.allocate();
    if (!piece) break;
    (void)piece.append(1 + in.u8() * 4U);
    for (std::byte& byte : piece.bytes()) byte = std::byte{0x5a};
    out.more.push(Slice(std::move(piece)));
  }
  (void)table.receive(out, now);
}

Config config_of(std::uint8_t how) {
  Config config;
  config.memory = (how & 2) != 0 ? 64 << 10 : 1 << 20;
  config.borrowed = (how & 4) != 0 ? 8 << 10 : 64 << 10;
  config.half_open = (how & 8) != 0 ? 2 : 64;
  config.fast_open_server = (how & 16) != 0;
  config.ecn_ask = (how & 32) != 0;
  config.flow.pacing = (how & 64) != 0;
  config.flow.keepalive = (how & 128) != 0;
  config.keepalive_idle = seconds(10);
  return config;
}

// A table with a listener and an active open, driven by the input.
class Run {
 public:
  Run(Input& in, FuzzIp& ip, BufferPool& pool, const Config& config)
      : in_(in),
        ip_(ip),
        pool_(pool),
        table_(config, {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}, ip) {
    listener_ = *table_.listen({IpAddress{}, 80}, 2, nullptr);
    if (const auto opened = table_.connect({}, {kPeer, 80}, config.flow, &deaf_, now_))
      held_.push_back(*opened);
  }

  void step() {
    switch (in_.pick(12)) {
      case 0:
        now_ = now_ + milliseconds(in_.u8() * 10);
        table_.tick(now_);
        break;
      case 1:
        now_ = now_ + seconds(in_.u8());
        table_.tick(now_);
        break;
      case 2:
        table_.end_of_batch(now_);
        break;
      case 3:
        if (Connection* accepted = table_.accept(*listener_)) held_.push_back(accepted);
        break;
      case 4:
      case 5:
        if (!held_.empty()) write(*held_[any()]);
        break;
      case 6:
        if (!held_.empty()) (void)held_[any()]->read(now_);
        break;
      case 7:
        if (!held_.empty()) end_one();
        break;
      case 8:
        report_error();
        break;
      default:
        segment(in_, table_, ip_, pool_, now_);
        break;
    }
    require(table_.memory().used() <= table_.memory().limit() + 2 * Memory::kLarge);
  }

  // Closes the listener, aborts and releases every connection, and then advances time until no
  // timer is pending (in at most 64 steps).
  void end() {
    table_.close(listener_, now_);
    for (Connection* connection : held_) {
      connection->abort(now_);
      table_.release(connection, now_);
    }
    for (int i = 0; i < 64 && !table_.next_deadline().is_never(); ++i) {
      now_ = std::max(now_, table_.next_deadline());
      table_.tick(now_);
    }
  }

 private:
  std::uint32_t any() { return in_.pick(static_cast<std::uint32_t>(held_.size())); }

  void write(Connection& connection) {
    PacketBuf packet = in_.pick(2) == 0 ? table_.allocate() : pool_.allocate();
    if (!packet) return;
    for (std::byte& byte : packet.append(std::min<std::size_t>(packet.tailroom(), in_.u8() * 60U)))
      byte = std::byte{0x41};
    Slice slice(std::move(packet));
    (void)connection.write(slice, now_);
    connection.push(now_);
  }

  void end_one() {
    const std::uint32_t which = any();
    const std::uint32_t what = in_.pick(3);
    if (what == 0) held_[which]->shutdown(now_);
    if (what == 1) held_[which]->abort(now_);
    if (what != 2) return;
    table_.release(held_[which], now_);
    held_.erase(held_.begin() + which);
  }

  void report_error() {
    std::array<std::byte, 8> quoted{};
    store_be(MutableBytes(quoted), ip_.seen_.port);
    store_be(MutableBytes(quoted).subspan(2), std::uint16_t{80});
    store_be(MutableBytes(quoted).subspan(4), ip_.seen_.nxt - in_.u8());
    const auto kind = static_cast<ip::IcmpError::Kind>(in_.pick(5));
    const auto mtu = static_cast<std::uint16_t>(68 + in_.u8() * 6);
    table_.icmp_error({kind, kUs.address, kPeer, mtu, quoted}, now_);
  }

  Input& in_;
  FuzzIp& ip_;
  BufferPool& pool_;
  Deaf deaf_;
  Table table_;
  Instant now_{1'000'000'000};
  Listener* listener_ = nullptr;
  std::vector<Connection*> held_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Input in(std::as_bytes(danger_span(data, size)));
  BufferPool pool(512, 2048);
  const std::uint8_t how = in.u8();
  FuzzIp ip(pool, (how & 1) != 0);
  {
    Run run(in, ip, pool, config_of(how));
    while (in.more()) run.step();
    run.end();
  }
  require(pool.available() == pool.count());
  return 0;
}
