// ARP as a part of IPv4: questions and answers.
#include "fata/net/ipv4/engine.hpp"

namespace fata::net::ipv4 {

void Engine::receive_arp(Link& link, Bytes payload, Instant now) {
  const auto packet = arp::Packet::parse(payload);
  if (!packet || packet->sender_mac.is_multicast() || packet->sender_mac == MacAddress{})
    return count_up(kBadArp);
  if (conflicts(link, *packet, now)) return;
  const Address* target = nullptr;
  bool neighbour = false;  // on one of our networks there
  for (const Address& each : addresses()) {
    if (each.interface != link.interface->index() || !each.used) continue;
    if (each.cidr.address == packet->target) target = &each;
    if (each.cidr.contains(packet->sender)) neighbour = true;
  }
  // A gateway may lie outside of a narrow prefix.
  for (const Route& each : routes_.all()) {
    neighbour |= each.interface == link.interface->index() && each.gateway == packet->sender;
  }
  const bool probe = packet->sender.is_any();  // RFC 5227: somebody asks whether an address is free
  if (!probe && neighbour) {
    if (auto waiting = link.arp.learn(packet->sender, packet->sender_mac, target != nullptr, now)) {
      link.interface->send(std::move(*waiting), packet->sender_mac, ethernet::Type::kIpv4);
    }
  }
  if (target != nullptr && packet->operation == arp::kRequest) {
    count_up(kArpReplies);
    send_arp(link, arp::kReply, packet->sender_mac, packet->sender_mac, target->cidr.address, packet->sender);
  }
}

void Engine::ask(Link& link, const MacAddress& to, Ipv4Address target) {
  const Address* const own = address_on(link.interface->index(), target);
  if (own == nullptr) return;
  count_up(kArpRequests);
  send_arp(link, arp::kRequest, to, {}, own->cidr.address, target);
}

void Engine::send_arp(Link& link, std::uint16_t operation, const MacAddress& to, const MacAddress& target_mac,
                      Ipv4Address sender, Ipv4Address target) {
  PacketBuf packet = link.interface->allocate(ethernet::kHeaderSize);
  if (!packet) return;
  arp::Packet{operation, link.interface->mac(), sender, target_mac, target}.write(
      packet.append(arp::kPacketSize));
  link.interface->send(std::move(packet), to, ethernet::Type::kArp);
}

}  // namespace fata::net::ipv4
