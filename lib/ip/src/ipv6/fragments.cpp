// Reassembly and fragmentation of IPv6 packets (RFC 8200 section 4.5).
#include "fata/ip/ipv6/engine.hpp"

namespace fata::ip::ipv6 {

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

void Engine::receive_fragment(Interface* from, const Header& header, const Walk& walk,
                              Packet&& packet, Instant now) {
  const Bytes bytes = packet.payload.bytes();
  const std::size_t extensions = walk.fragment_at - kHeaderSize;
  [[clang::uninitialized]] std::array<std::byte, Reassembly::kHeader> front;
  if (walk.fragment_at > front.size()) return count_up(kBadFragment);
  // Copies the headers as they are without the fragment header.
  copy_bytes(front, bytes.first(walk.fragment_at));
  front[walk.next_header_at] = static_cast<std::byte>(walk.fragment.next_header);
  Reassembly::Fragment fragment;
  fragment.key = {header.source, header.destination, walk.fragment.identification, 0};
  fragment.offset = walk.fragment.offset;
  fragment.more = walk.fragment.more;
  fragment.most = 65535 - extensions;
  fragment.header = Bytes(front).first(walk.fragment_at);
  fragment.data = bytes.subspan(walk.offset);
  fragment.ecn = packet.ecn;
  fragment.unicast = packet.unicast;
  // RFC 8200 section 4.5 specifies which field each of these two errors points at.
  if (fragment.more && fragment.data.size() % 8 != 0) {
    count_up(kBadFragment);
    if (packet.unicast)
      send_error(wire::icmp6::kParameterProblem, 0, 4, header, packet.payload, now);
    return;
  }
  if (fragment.offset + fragment.data.size() > fragment.most) {
    count_up(kBadFragment);
    if (packet.unicast) {
      send_error(wire::icmp6::kParameterProblem, 0,
                 static_cast<std::uint32_t>(walk.fragment_at + 2), header, packet.payload, now);
    }
    return;
  }
  // The first fragment must contain all headers (RFC 7112).
  if (fragment.offset == 0) {
    [[clang::uninitialized]] const Walk rest =
        walk_headers(bytes, walk.fragment.next_header, walk.offset);
    const bool whole = rest.end == Walk::End::kUpper && bytes.size() >= rest.offset + 8;
    if (!whole) {
      count_up(kBadFragment);
      if (packet.unicast)
        send_error(wire::icmp6::kParameterProblem, 3, 0, header, packet.payload, now);
      return;
    }
  }
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
  const std::size_t length = result.packet.size() - kHeaderSize;
  store_be(result.packet.bytes().subspan(4), static_cast<std::uint16_t>(length));
  const Slice whole(std::move(result.packet));
  [[clang::uninitialized]] const auto put_together = Header::parse(whole.bytes(), whole.size());
  if (!put_together) return count_up(kBadHeader);
  [[clang::uninitialized]] const Walk rest = walk_headers(whole.bytes(), put_together->next_header);
  // A fragment within a reassembled packet is invalid.
  if (rest.end == Walk::End::kFragment) return count_up(kBadFragment);
  Packet joined{header.source, header.destination, whole, {}, {}};
  joined.ecn = result.ecn;
  joined.hop_limit = header.hop_limit;
  joined.unicast = result.unicast;
  receive_walked(from, *put_together, rest, std::move(joined), whole, now);
}

// Sends a packet longer than the path MTU. It waits for its neighbour's hardware address
// unfragmented, so that it is kept or dropped as a whole.
void Engine::send_long(const NextHop& next, Header header, PacketBuf packet, Instant now) {
  header.payload_length = static_cast<std::uint16_t>(packet.total_size());
  header.write(prepend_header(packet, kHeaderSize));
  Link& link = *next.link;
  if (next.address.is_multicast())
    return send_fragments(link, packet, wire::ipv6::group_mac(next.address), now);
  const Neighbours::Lookup found = link.neighbours.lookup(next.address, packet, now);
  if (found.known) return send_fragments(link, packet, found.mac, now);
  if (found.solicit) solicit(link, next.address, nullptr, now);
}

void Engine::send_waited(Link& link, const IpAddress& hop, const MacAddress& to, Instant now) {
  while ([[clang::uninitialized]] PacketBuf packet = link.neighbours.take(hop)) {
    [[clang::uninitialized]] const auto header = Header::parse_quoted(packet.bytes());
    // TCP segments its own data. A packet with a pending checksum was short enough to be sent
    // unfragmented.
    const bool may_cut = header && header->next_header != protocol::kTcp &&
                         packet.offload().gso == Offload::Gso::kNone &&
                         !packet.offload().checksum_needed;
    if (may_cut &&
        packet.total_size() > paths_.limit(header->destination, link.packet_max(), now)) {
      send_fragments(link, packet, to, now);
    } else {
      link.interface->send(std::move(packet), to, wire::ethernet::Type::kIpv6);
    }
  }
}

void Engine::send_fragments(Link& link, const PacketBuf& packet, const MacAddress& to,
                            Instant now) {
  [[clang::uninitialized]] const auto whole = Header::parse_quoted(packet.bytes());
  if (!whole) return count_up(kBadHeader);
  Header header = *whole;
  const std::size_t mtu = paths_.limit(header.destination, link.packet_max(), now);
  const std::size_t total = packet.total_size() - kHeaderSize;
  const std::size_t most = (mtu - kHeaderSize - wire::ipv6::kFragmentHeaderSize) / 8 * 8;
  wire::ipv6::FragmentHeader fragment{header.next_header, 0, false, fragment_ids_.next()};
  header.next_header = wire::ipv6::kFragment;
  for (std::size_t at = 0; at < total; at += most) {
    const std::size_t size = std::min(most, total - at);
    [[clang::uninitialized]] PacketBuf piece = link.interface->allocate(kHeadroom);
    if (!piece) return;
    if (piece.tailroom() < size) return count_up(kTooLong);
    copy_out(packet, kHeaderSize + at, piece.append(size));
    fragment.offset = static_cast<std::uint16_t>(at);
    fragment.more = at + size < total;
    fragment.write(piece.prepend(wire::ipv6::kFragmentHeaderSize));
    header.payload_length = static_cast<std::uint16_t>(size + wire::ipv6::kFragmentHeaderSize);
    header.write(piece.prepend(kHeaderSize));
    count_up(kFragmentsSent);
    link.interface->send(std::move(piece), to, wire::ethernet::Type::kIpv6);
  }
}

}  // namespace fata::ip::ipv6
