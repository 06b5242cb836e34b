// ARP for IPv4: requests and replies.
#include "fata/ip/ipv4/engine.hpp"

namespace fata::ip::ipv4 {

void Engine::receive_arp(Link& link, Bytes payload, Instant now) {
  [[clang::uninitialized]] const auto packet = wire::arp::Packet::parse(payload);
  if (!packet || packet->sender_mac.is_multicast() || packet->sender_mac == MacAddress{})
    return count_up(kBadArp);
  if (conflicts(link, *packet, now)) return;
  const Address* target = nullptr;
  for (const Address& each : addresses()) {
    if (each.interface != link.interface->index() || !each.used) continue;
    if (each.cidr.address == packet->target) target = &each;
  }
  const bool probe = packet->sender.is_any();  // RFC 5227: a probe for a free address
  if (!probe && routes_.is_neighbour(packet->sender, link.interface->index())) {
    if (link.arp.learn(packet->sender, packet->sender_mac, target != nullptr, now)) {
      while ([[clang::uninitialized]] PacketBuf waited = link.arp.take(packet->sender)) {
        send_waited(link, std::move(waited), packet->sender_mac, now);
      }
    }
  }
  if (target != nullptr && packet->operation == wire::arp::kRequest) {
    count_up(kArpReplies);
    send_arp(link, wire::arp::kReply, packet->sender_mac, packet->sender_mac, target->cidr.address,
             packet->sender);
  }
}

void Engine::ask(Link& link, const MacAddress& to, Ipv4Address target) {
  const Address* const own = address_on(link.interface->index(), target);
  if (own == nullptr) return;
  if (to == MacAddress::broadcast() && !link.questions.allow(now_)) return;
  count_up(kArpRequests);
  send_arp(link, wire::arp::kRequest, to, {}, own->cidr.address, target);
}

void Engine::send_arp(Link& link, std::uint16_t operation, const MacAddress& to,
                      const MacAddress& target_mac, Ipv4Address sender, Ipv4Address target) {
  [[clang::uninitialized]] PacketBuf packet = link.interface->allocate(wire::ethernet::kHeadroom);
  if (!packet) return;
  wire::arp::Packet{operation, link.interface->mac(), sender, target_mac, target}.write(
      packet.append(wire::arp::kPacketSize));
  link.interface->send(std::move(packet), to, wire::ethernet::Type::kArp);
}

}  // namespace fata::ip::ipv4
