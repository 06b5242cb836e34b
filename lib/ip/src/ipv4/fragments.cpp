// Reassembly and fragmentation of IPv4 packets.
#include "fata/ip/ipv4/engine.hpp"

namespace fata::ip::ipv4 {

bool Engine::join_pieces(sig::RxFrame& frame) {
  [[clang::uninitialized]] PacketBuf joined = memory_.allocate(frame.total_size(), 0);
  if (!joined) return false;
  copy_bytes(joined.append(frame.frame.size()), frame.frame.bytes());
  for (const Slice& piece : frame.more.pieces())
    copy_bytes(joined.append(piece.size()), piece.bytes());
  frame.more.clear();
  frame.frame = Slice(std::move(joined));
  return true;
}

void Engine::receive_fragment(const Header& header, std::uint8_t link, LinkCast cast, bool ours,
                              sig::RxFrame&& frame, Instant now) {
  if (!frame.more.empty() && !join_pieces(frame)) return count_up(kFragmentRoom);
  Header first = header;
  first.more_fragments = false;
  std::array<std::byte, kHeaderSize> written;
  first.write(written);
  Reassembly::Fragment fragment;
  fragment.key = {header.source, header.destination, header.identification, header.protocol};
  fragment.offset = header.fragment_offset;
  fragment.more = header.more_fragments;
  fragment.most = 65535 - kHeaderSize;
  fragment.header = written;
  fragment.data = frame.frame.bytes().subspan(header.header_length);
  fragment.ecn = static_cast<Ecn>(header.tos & 3);
  fragment.unicast = ours && cast == LinkCast::kUnicast;
  [[clang::uninitialized]] Reassembly::Result result = reassembly_.add(fragment, now);
  switch (result.outcome) {
    case Reassembly::Outcome::kWaits:
      return;
    case Reassembly::Outcome::kOverlap:
      return count_up(kFragmentOverlap);
    case Reassembly::Outcome::kMalformed:
      return count_up(kBadFragment);
    case Reassembly::Outcome::kNoRoom:
      return count_up(kFragmentRoom);
    case Reassembly::Outcome::kComplete:
      break;
  }
  count_up(kReassembled);
  first.fragment_offset = 0;
  first.header_length = kHeaderSize;
  first.total_length = static_cast<std::uint16_t>(result.packet.size());
  first.write(result.packet.bytes().first(kHeaderSize));
  const Slice whole(std::move(result.packet));
  Packet packet{header.source, header.destination, whole, {}, {}};
  packet.link = link;
  packet.payload.trim_front(kHeaderSize);
  packet.ecn = result.ecn;
  packet.hop_limit = header.ttl;
  packet.unicast = result.unicast;
  deliver(first, packet, whole, now);
}

// Sends a packet longer than the path MTU. It waits for its neighbour's hardware address
// unfragmented, so that it is kept or dropped as a whole.
void Engine::send_long(const NextHop& next, Header header, PacketBuf packet, Instant now) {
  header.total_length = static_cast<std::uint16_t>(packet.total_size() + kHeaderSize);
  header.identification = fragment_ids_.next_short();
  header.write(prepend_header(packet, kHeaderSize));
  Link& link = *next.link;
  if (next.cast != Cast::kLink) return send_fragments(link, packet, group_mac(next), now);
  const arp::Cache::Lookup found = link.arp.lookup(next.address, packet, now);
  const bool known = found.next == arp::Cache::Next::kSend;
  if (found.request) ask(link, known ? found.mac : MacAddress::broadcast(), next.address);
  if (known) send_fragments(link, packet, found.mac, now);
}

void Engine::send_waited(Link& link, PacketBuf packet, const MacAddress& to, Instant now) {
  [[clang::uninitialized]] const auto header = Header::parse_quoted(packet.bytes());
  // A packet with a pending checksum was short enough to be sent unfragmented.
  const bool may_cut = header && !header->dont_fragment &&
                       packet.offload().gso == Offload::Gso::kNone &&
                       !packet.offload().checksum_needed;
  if (may_cut &&
      packet.total_size() > paths_.limit(header->destination, link.interface->mtu(), now))
    return send_fragments(link, packet, to, now);
  link.interface->send(std::move(packet), to, wire::ethernet::Type::kIpv4);
}

void Engine::send_fragments(Link& link, const PacketBuf& packet, const MacAddress& to,
                            Instant now) {
  [[clang::uninitialized]] const auto whole = Header::parse_quoted(packet.bytes());
  if (!whole) return count_up(kBadIp);
  Header header = *whole;
  const std::size_t mtu = paths_.limit(IpAddress(header.destination), link.interface->mtu(), now);
  const std::size_t total = packet.total_size() - kHeaderSize;
  const std::size_t most = (mtu - kHeaderSize) / 8 * 8;
  for (std::size_t at = 0; at < total; at += most) {
    const std::size_t size = std::min(most, total - at);
    [[clang::uninitialized]] PacketBuf piece = link.interface->allocate(kHeadroom);
    if (!piece) return;
    if (piece.tailroom() < size) return count_up(kTooLong);
    copy_out(packet, kHeaderSize + at, piece.append(size));
    header.fragment_offset = static_cast<std::uint16_t>(at);
    header.more_fragments = at + size < total;
    header.total_length = static_cast<std::uint16_t>(size + kHeaderSize);
    header.write(piece.prepend(kHeaderSize));
    count_up(kFragmentsSent);
    link.interface->send(std::move(piece), to, wire::ethernet::Type::kIpv4);
  }
}

}  // namespace fata::ip::ipv4
