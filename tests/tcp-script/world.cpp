#include "world.hpp"

namespace fata::test {
namespace {

IpAddress v6_address(std::uint8_t last) {
  std::array<std::byte, 16> octets{};
  octets[0] = std::byte{0x20}, octets[1] = std::byte{0x01}, octets[2] = std::byte{0x0d},
  octets[3] = std::byte{0xb8};
  octets[15] = std::byte{last};
  return IpAddress(octets);
}

const tcp::Secrets kSecrets{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}};

}  // namespace

World::World(const tcp::Config& config, bool v6)
    : local(v6 ? v6_address(1) : IpAddress(Ipv4Address::of(192, 0, 2, 1))),
      remote(v6 ? v6_address(2) : IpAddress(Ipv4Address::of(192, 0, 2, 2))),
      table(std::make_unique<tcp::Table>(config, kSecrets, *this)) {}

std::optional<ip::Path> World::path(const IpAddress&, const IpAddress& from) {
  if (!reachable || (!from.is_any() && from != local)) return std::nullopt;
  ip::Path path;
  path.source = local;
  path.mtu = mtu;
  path.link_mtu = link_mtu;
  path.checksum = device_sums;
  path.gso_max = gso;
  return path;
}

void World::send(PacketBuf packet, const IpAddress& from, const IpAddress& to,
                 std::uint8_t protocol, ip::Marks marks, bool, Instant at) {
  std::string bytes(as_text(packet.bytes()));
  for (const Slice& piece : packet.chain().pieces()) bytes += piece.text();
  Decoded decoded = decode(bytes, from, to, packet.offload().checksum_needed);
  const Offload& offload = packet.offload();
  const std::size_t header = local.is_v4() ? 20 : 40;
  if (protocol != 6) decoded.diagnostic = "its protocol is not TCP";
  if (at != now) decoded.diagnostic = "it was sent at another time than now";
  if (offload.gso == Offload::Gso::kNone) {
    if (bytes.size() + header > (marks.path_probe ? link_mtu : mtu))
      decoded.diagnostic = "it is longer than the path's MTU";
  } else {
    if (bytes.size() + header > gso) decoded.diagnostic = "it is longer than the device cuts";
    if (offload.header_length + std::size_t{offload.gso_size} + header > mtu)
      decoded.diagnostic = "its pieces are longer than the MTU";
  }
  decoded.segment.ecn = marks.ecn;
  decoded.segment.dscp = marks.dscp;
  decoded.segment.hop_limit = marks.hop_limit;
  decoded.segment.offload = offload;
  sent.push_back({at, from, to, std::move(decoded.segment), std::move(decoded.diagnostic)});
}

void World::lower_path_mtu(const IpAddress&, std::size_t to, Instant) { mtu = std::min(mtu, to); }
void World::confirm_reachable(const IpAddress&, Instant) {}

void World::deliver(const WireSegment& segment, const IpAddress& source, bool unicast) {
  const std::string bytes = encode(segment, source, local);
  ip::Packet packet;
  packet.source = source;
  packet.destination = local;
  packet.unicast = unicast;
  packet.hop_limit = 64;
  packet.ecn = segment.ecn;
  packet.offload = segment.offload;
  constexpr std::size_t kPiece = 4096;
  packet.payload = Slice(receive_.copy(as_bytes(std::string_view(bytes).substr(0, kPiece))));
  for (std::size_t at = kPiece; at < bytes.size(); at += kPiece) {
    packet.more.push(Slice(receive_.copy(as_bytes(std::string_view(bytes).substr(at, kPiece)))));
  }
  table->receive(packet, now);
}

void World::advance(Instant to) {
  for (int rounds = 0; sent.empty(); ++rounds) {
    const Instant due = table->next_deadline();
    if (due > to) break;
    if (rounds > 100'000) {
      failure = "timers run without end";
      return;
    }
    now = std::max(now, due);
    table->tick(now);
    table->end_of_batch(now);
  }
  if (sent.empty()) now = std::max(now, to);
}

}  // namespace fata::test
