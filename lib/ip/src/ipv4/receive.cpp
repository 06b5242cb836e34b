#include "fata/ip/ipv4/engine.hpp"

namespace fata::ip::ipv4 {

// A null interface matches any.
bool Engine::is_broadcast(Ipv4Address address, const Interface* on) const {
  if (address.is_limited_broadcast()) return true;
  for (const Address& each : addresses()) {
    const bool here = on == nullptr || on->index() == each.interface;
    if (here && each.used && each.cidr.prefix < 31 && each.cidr.broadcast() == address) return true;
  }
  return false;
}

bool Engine::is_ours(Ipv4Address address) const {
  for (const Address& each : addresses()) {
    if (each.used && each.cidr.address == address) return true;
  }
  return false;
}

void Engine::receive(Interface* from, wire::ethernet::Type type, LinkCast cast,
                     sig::RxFrame&& packet, Instant now) {
  now_ = now;
  if (type == wire::ethernet::Type::kArp)
    return receive_arp(*links_[from->index()], packet.frame.bytes(), now);
  receive_ip(from, cast, std::move(packet), now);
}

void Engine::receive_ip(Interface* from, LinkCast cast, sig::RxFrame&& frame, Instant now) {
  const auto ip = Header::parse(frame.frame.bytes(), frame.total_size());
  if (!ip) return count_up(ip.error() == wire::ipv4::Malformed::kChecksum ? kIpChecksum : kBadIp);
  const Ipv4Address to = ip->destination;
  const bool inside = from == nullptr;
  const bool ours = is_ours(to) || (inside && to.is_loopback());
  if (!ours && !is_broadcast(to, from)) {
    const bool group = !inside && to.is_multicast() && groups_.listens(to, from->index());
    const bool offered =
        !inside && cast == LinkCast::kUnicast && links_[from->index()]->any_address;
    if (!group && !offered) {
      if (!forwarded(from, cast, frame, now)) count_up(kNotForUs);
      return;
    }
  }
  // RFC 1122 section 3.2.1.3: none of these is a valid source address.
  const Ipv4Address source = ip->source;
  // Snooping switches send IGMP from such addresses.
  const bool nobody = source.value >> 24 == 0 && ip->protocol != protocol::kIgmp;
  const bool impossible = source.is_multicast() || nobody || is_broadcast(source, from) ||
                          (!inside && (source.is_loopback() || is_ours(source)));
  if (impossible) return count_up(kBadAddress);
  // Any bytes after the packet are padding.
  if (ip->total_length < frame.frame.size()) {
    frame.frame.truncate(ip->total_length);
    frame.more.clear();
  } else if (!frame.more.empty()) {
    frame.more.truncate(ip->total_length - frame.frame.size());
  }
  if (ip->is_fragment()) [[unlikely]]
    return receive_fragment(*ip, inside ? kNoLink : from->index(), cast, ours, std::move(frame),
                            now);
  // TCP's payload stays in its buffers; for other protocols, the packet is joined into one buffer.
  if (ip->protocol == protocol::kIgmp && !inside) {
    // Unicast IGMP may come from beyond the link.
    if (!to.is_multicast()) return count_up(kBadIgmp);
    return receive_igmp(from->index(), to, frame.frame.bytes().subspan(ip->header_length), now);
  }
  if (!frame.more.empty() && ip->protocol != protocol::kTcp && !join_pieces(frame))
    return count_up(kFragmentRoom);
  const Slice whole = frame.frame;
  Packet packet{source, to, std::move(frame.frame), std::move(frame.more), frame.offload};
  packet.payload.trim_front(ip->header_length);
  packet.ecn = static_cast<Ecn>(ip->tos & 3);
  packet.hop_limit = ip->ttl;
  packet.link = inside ? kNoLink : from->index();
  packet.unicast = ours && cast == LinkCast::kUnicast;
  deliver(*ip, packet, whole, now);
}

void Engine::deliver(const Header& header, Packet& packet, const Slice& whole, Instant now) {
  if (header.protocol == protocol::kIcmp) return receive_icmp(header, packet, now);
  Transport* const transport = this->transport(header.protocol);
  if (transport == nullptr) {
    count_up(kUnknownProtocol);
  } else {
    count_up(kDelivered);
    if (transport->receive(packet, now)) return;
  }
  // Send errors only about packets that were unicast at both layers (RFC 1122 section 3.2.2).
  const std::uint8_t code =
      transport == nullptr ? wire::icmp::kCodeProtocol : wire::icmp::kCodePort;
  if (packet.unicast) send_error(wire::icmp::kUnreachable, code, header, whole, now);
}

}  // namespace fata::ip::ipv4
