#include "fata/ip/ipv6/engine.hpp"

namespace fata::ip::ipv6 {

void Engine::receive(Interface* from, wire::ethernet::Type, LinkCast cast, sig::RxFrame&& frame,
                     Instant now) {
  now_ = now;
  [[clang::uninitialized]] const auto header =
      Header::parse(frame.frame.bytes(), frame.total_size());
  if (!header) return count_up(kBadHeader);
  const bool inside = from == nullptr;
  if (!inside && !links_[from->index()]->started) return count_up(kNotForUs);
  // Addresses that never appear on a wire: RFC 4291 sections 2.5.2, 2.5.3 and 2.7.
  const IpAddress &source = header->source, &to = header->destination;
  // Neighbour discovery from one of our addresses comes from another station that uses the address
  // too.
  const auto claim = [&] {
    return header->next_header == protocol::kIcmpV6 && header->hop_limit == 255;
  };
  const bool impossible =
      source.is_multicast() || source.scope().has_value() || source.is_v4() || to.is_v4() ||
      to.is_any() ||
      (!inside && (source.is_loopback() || to.is_loopback() || (is_ours(source) && !claim())));
  if (impossible) return count_up(kBadAddress);
  bool unicast = false;
  if (to.is_multicast()) {
    if (inside || !groups_.listens(to, from->index())) return count_up(kNotForUs);
  } else {
    const Address* const own = find(to);
    const bool here =
        own != nullptr && (inside || !to.is_link_local() || own->interface == from->index());
    if (!here && !(inside && to.is_loopback())) {
      if (to.is_link_local() || !forwarded(from, cast, frame, now)) count_up(kNotForUs);
      return;
    }
    unicast = cast == LinkCast::kUnicast;
  }

  // Any bytes after the packet are padding.
  const std::size_t length = kHeaderSize + header->payload_length;
  if (length < frame.frame.size()) {
    frame.frame.truncate(length);
    frame.more.clear();
  } else if (!frame.more.empty()) {
    frame.more.truncate(length - frame.frame.size());
  }
  [[clang::uninitialized]] const Walk walk = walk_headers(frame.frame.bytes(), header->next_header);
  // TCP's payload stays in its buffers; for other protocols, the packet is joined into one buffer.
  const bool in_pieces =
      !frame.more.empty() && (walk.end != Walk::End::kUpper || walk.next_header != protocol::kTcp);
  if (in_pieces && !join_pieces(frame)) return count_up(kFragmentRoom);
  const Slice whole = frame.frame;
  Packet packet{source, to, std::move(frame.frame), std::move(frame.more), frame.offload};
  packet.ecn = static_cast<Ecn>(header->traffic_class & 3);
  packet.hop_limit = header->hop_limit;
  packet.link = inside ? kNoLink : from->index();
  packet.unicast = unicast;
  receive_walked(from, *header, walk, std::move(packet), whole, now);
}

void Engine::receive_walked(Interface* from, const Header& header, const Walk& walk,
                            Packet&& packet, const Slice& whole, Instant now) {
  switch (walk.end) {
    case Walk::End::kUpper:
      packet.payload.trim_front(walk.offset);
      return deliver(from, header, walk, packet, whole, now);
    case Walk::End::kFragment:
      return receive_fragment(from, header, walk, std::move(packet), now);
    case Walk::End::kProblem:
      count_up(kBadExtension);
      if (packet.unicast || walk.even_to_groups)
        send_error(wire::icmp6::kParameterProblem, walk.code, walk.pointer, header, whole, now);
      return;
    default:
      return count_up(kBadExtension);
  }
}

void Engine::deliver(Interface* from, const Header& header, const Walk& walk, Packet& packet,
                     const Slice& whole, Instant now) {
  if (walk.next_header == protocol::kIcmpV6) return receive_icmp(from, header, packet, now);
  if (header.source.is_any()) return count_up(kBadAddress);
  Transport* const transport = this->transport(walk.next_header);
  if (transport == nullptr) {
    count_up(kUnknownNextHeader);
    if (packet.unicast) {
      send_error(wire::icmp6::kParameterProblem, 1, static_cast<std::uint32_t>(walk.next_header_at),
                 header, whole, now);
    }
    return;
  }
  count_up(kDelivered);
  if (transport->receive(packet, now)) return;
  if (packet.unicast)
    send_error(wire::icmp6::kUnreachable, wire::icmp6::kCodePort, 0, header, whole, now);
}

}  // namespace fata::ip::ipv6
