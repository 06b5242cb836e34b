// Fragments of IPv4 packets, both ways.
#include "fata/net/ipv4/engine.hpp"

namespace fata::net::ipv4 {

bool Engine::join_pieces(sig::RxFrame& frame) {
  PacketBuf joined = memory_.allocate(frame.total_size(), 0);
  if (!joined) return false;
  copy_bytes(joined.append(frame.frame.size()), frame.frame.bytes());
  for (const Slice& piece : frame.more.pieces()) copy_bytes(joined.append(piece.size()), piece.bytes());
  frame.more.clear();
  frame.frame = Slice(std::move(joined));
  return true;
}

void Engine::receive_fragment(const Header& header, LinkCast cast, bool ours, sig::RxFrame&& frame,
                              Instant now) {
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
  fragment.unicast = ours && cast == LinkCast::kUs;
  Reassembly::Result result = reassembly_.add(fragment, now);
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
  IpPacket packet{header.source, header.destination, whole, {}, {}};
  packet.payload.trim_front(kHeaderSize);
  packet.ecn = result.ecn;
  packet.hop_limit = header.ttl;
  packet.unicast = result.unicast;
  deliver(first, packet, whole, now);
}

void Engine::send_fragments(const Way& way, Header header, const PacketBuf& packet, std::size_t mtu,
                            Instant now) {
  const std::size_t total = packet.total_size();
  const std::size_t most = (mtu - kHeaderSize) / 8 * 8;
  header.identification = static_cast<std::uint16_t>(fragment_ids_.next(header.destination));
  for (std::size_t at = 0; at < total; at += most) {
    const std::size_t size = std::min(most, total - at);
    PacketBuf piece = way.link->interface->allocate(kIpHeadroom);
    if (!piece || piece.tailroom() < size) return;
    copy_out(packet, at, piece.append(size));
    header.fragment_offset = static_cast<std::uint16_t>(at);
    header.more_fragments = at + size < total;
    header.total_length = static_cast<std::uint16_t>(size + kHeaderSize);
    header.write(piece.prepend(kHeaderSize));
    count_up(kFragmentsSent);
    output(way, std::move(piece), now);
  }
}

}  // namespace fata::net::ipv4
