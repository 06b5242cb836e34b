#include "fata/net/host.hpp"

namespace fata::net {

Host::Host(const HostConfig& config, HostSink& sink)
    : config_(config),
      sink_(&sink),
      errors_(config.icmp_errors_per_second, 10),
      counters_{Counter{"received"},          Counter{"not_for_us"},
                Counter{"unknown_type"},      Counter{"bad_frame"},
                Counter{"bad_arp"},           Counter{"bad_ip"},
                Counter{"ip_checksum"},       Counter{"fragments_dropped"},
                Counter{"bad_address"},       Counter{"unknown_protocol"},
                Counter{"bad_udp"},           Counter{"udp_checksum"},
                Counter{"no_listener"},       Counter{"bad_icmp"},
                Counter{"echo_replies"},      Counter{"arp_replies"},
                Counter{"arp_requests"},      Counter{"unreachable_sent"},
                Counter{"unreachable_heard"}, Counter{"sent"},
                Counter{"no_route"},          Counter{"too_long"},
                Counter{"no_buffer"},         Counter{"address_conflicts"}} {}

bool Host::is_broadcast(Ipv4Address address) const {
  return address.is_limited_broadcast() ||
         (config_.address.prefix < 31 && address == config_.address.broadcast());
}

void Host::receive(sig::RxFrame&& frame, Instant now) {
  count_up(kReceived);
  const auto header = ethernet::Header::parse(frame.frame.bytes());
  if (!header || header->source.is_multicast()) return count_up(kBadFrame);
  const bool unicast = header->destination == config_.mac;
  if (!unicast && !header->destination.is_multicast()) return count_up(kNotForUs);
  frame.frame.trim_front(ethernet::kHeaderSize);
  switch (static_cast<ethernet::Type>(header->type)) {
    case ethernet::Type::kIpv4:
      return receive_ipv4(std::move(frame), unicast, now);
    case ethernet::Type::kArp:
      return receive_arp(frame.frame.bytes(), now);
    default:
      return count_up(kUnknownType);
  }
}

void Host::receive_arp(Bytes payload, Instant now) {
  const auto packet = arp::Packet::parse(payload);
  if (!packet || packet->sender_mac.is_multicast() || packet->sender_mac == MacAddress{})
    return count_up(kBadArp);
  const bool to_us = is_ours(packet->target);
  const bool probe = packet->sender.is_any();  // RFC 5227: somebody asks whether an address is free
  if (is_ours(packet->sender)) {
    // Somebody else claims our address, or a switch gave us our own frame back.
    return count_up(packet->sender_mac == config_.mac ? kNotForUs : kAddressConflict);
  }
  // A gateway may lie outside of a narrow prefix.
  if (!probe && (config_.address.contains(packet->sender) || packet->sender == config_.gateway)) {
    if (auto waiting = arp_.learn(packet->sender, packet->sender_mac, to_us, now)) {
      send_frame(std::move(*waiting), packet->sender_mac, ethernet::Type::kIpv4);
    }
  }
  if (to_us && packet->operation == arp::kRequest) {
    count_up(kArpReplies);
    send_arp(arp::kReply, packet->sender_mac, packet->sender_mac, packet->sender);
  }
}

void Host::receive_ipv4(sig::RxFrame&& frame, bool unicast, Instant now) {
  const auto ip = ipv4::Header::parse(frame.frame.bytes());
  if (!ip) return count_up(ip.error() == ipv4::Malformed::kChecksum ? kIpChecksum : kBadIp);
  const bool ours = is_ours(ip->destination);
  if (!ours && !is_broadcast(ip->destination)) return count_up(kNotForUs);
  // RFC 1122 section 3.2.1.3: none of these can have sent a packet.
  const Ipv4Address from = ip->source;
  const bool this_network = from.value >> 24 == 0;
  if (from.is_multicast() || from.is_loopback() || is_broadcast(from) || this_network || is_ours(from)) {
    return count_up(kBadAddress);
  }
  if (ip->is_fragment()) return count_up(kFragments);
  Slice packet = std::move(frame.frame);
  packet.truncate(ip->total_length);
  // An answer or an error goes only to what was sent to us alone, at both layers.
  const bool answerable = unicast && ours;
  switch (ip->protocol) {
    case ipv4::kUdp:
      return receive_udp(std::move(packet), *ip, frame.offload, answerable, now);
    case ipv4::kIcmp:
      return receive_icmp(std::move(packet), *ip, answerable, now);
    default:
      return count_up(kUnknownProtocol);
  }
}

void Host::receive_udp(Slice packet, const ipv4::Header& ip, const Offload& offload, bool answerable,
                       Instant now) {
  const Bytes payload = packet.bytes().subspan(ip.header_length);
  const auto udp = udp::Header::parse(payload, ip, offload);
  if (!udp) return count_up(udp.error() == udp::Malformed::kChecksum ? kUdpChecksum : kBadUdp);
  sig::RxDatagram datagram{{ip.source, udp->source_port},
                           ip.destination,
                           packet.part(ip.header_length + udp::kHeaderSize, udp->length - udp::kHeaderSize)};
  if (sink_->deliver(std::move(datagram), udp->destination_port)) return;
  count_up(kNoListener);
  if (answerable && udp->source_port != 0) send_unreachable(packet, ip, now);
}

void Host::receive_icmp(Slice packet, const ipv4::Header& ip, bool answerable, Instant now) {
  const auto icmp = icmp::Header::parse(packet.bytes().subspan(ip.header_length));
  if (!icmp) return count_up(kBadIcmp);
  if (icmp->type == icmp::kUnreachable) return count_up(kUnreachableHeard);
  // Echo requests to broadcast addresses are ignored (RFC 1122 section 3.2.2.6 allows it): they are an
  // amplifier.
  if (icmp->type != icmp::kEcho || !answerable) return;
  PacketBuf reply = sink_->allocate();
  const Bytes message = packet.bytes().subspan(ip.header_length);
  if (!reply || reply.headroom() < ethernet::kHeaderSize + ipv4::kHeaderSize ||
      reply.tailroom() < message.size()) {
    return count_up(kNoBuffer);
  }
  copy_bytes(reply.append(message.size()), message);
  icmp::make_echo_reply(reply.bytes());
  count_up(kEchoReplies);
  send_ipv4(std::move(reply), config_.address.address, ip.source, ipv4::kIcmp, now);
}

void Host::send_unreachable(const Slice& packet, const ipv4::Header& ip, Instant now) {
  if (!errors_.allow(now)) return;
  // As much of the offending packet as fits 576 bytes (RFC 1812 section 4.3.2.3).
  const std::size_t room = 576 - ipv4::kHeaderSize - icmp::kHeaderSize;
  const Bytes quoted = packet.bytes().first(std::min(packet.size(), room));
  PacketBuf message = sink_->allocate();
  if (!message || message.tailroom() < icmp::kHeaderSize + quoted.size()) return count_up(kNoBuffer);
  icmp::write_unreachable(message.append(icmp::kHeaderSize + quoted.size()), icmp::kCodePort, quoted);
  count_up(kUnreachableSent);
  send_ipv4(std::move(message), config_.address.address, ip.source, ipv4::kIcmp, now);
}

void Host::send_udp(sig::TxDatagram&& given, std::uint16_t local_port, Instant now) {
  sig::TxDatagram datagram = std::move(given);  // its buffer goes home also when it is not sent
  if (!datagram.destination.address.is_v4()) return count_up(kNoRoute);
  if (datagram.payload.size() > max_udp_payload()) return count_up(kTooLong);
  const Ipv4Address destination = datagram.destination.address.v4();
  const Ipv4Address source = config_.address.address;
  udp::prepend_header(datagram.payload, local_port, datagram.destination.port, source, destination,
                      config_.tx_checksum);
  send_ipv4(std::move(datagram.payload), source, destination, ipv4::kUdp, now);
}

void Host::send_ipv4(PacketBuf payload, Ipv4Address source, Ipv4Address destination, std::uint8_t protocol,
                     Instant now) {
  ipv4::Header header;
  header.source = source;
  header.destination = destination;
  header.protocol = protocol;
  header.total_length = static_cast<std::uint16_t>(payload.size() + ipv4::kHeaderSize);
  header.identification = identification_++;
  header.dont_fragment = true;  // we send nothing larger than the link carries
  header.write(payload.prepend(ipv4::kHeaderSize));
  if (payload.offload().checksum_needed) {
    payload.offload().checksum_start =
        static_cast<std::uint16_t>(payload.offload().checksum_start + ipv4::kHeaderSize);
  }
  if (is_broadcast(destination))
    return send_frame(std::move(payload), MacAddress::broadcast(), ethernet::Type::kIpv4);
  Ipv4Address hop = destination;
  if (!config_.address.contains(destination)) hop = config_.gateway;
  // RFC 1122 section 3.2.1.3: loopback and "this network" never leave a host.
  const bool stays = destination.value >> 24 == 0 || destination.is_loopback() || is_ours(destination);
  if (hop.is_any() || destination.is_multicast() || stays) return count_up(kNoRoute);
  const arp::Cache::Lookup found = arp_.lookup(hop, payload, now);
  if (found.request) {
    const MacAddress to = found.next == arp::Cache::Next::kSend ? found.mac : MacAddress::broadcast();
    count_up(kArpRequests);
    send_arp(arp::kRequest, to, MacAddress{}, hop);
  }
  if (found.next == arp::Cache::Next::kSend) send_frame(std::move(payload), found.mac, ethernet::Type::kIpv4);
}

void Host::send_frame(PacketBuf packet, const MacAddress& to, ethernet::Type type) {
  ethernet::Header{to, config_.mac, static_cast<std::uint16_t>(type)}.write(
      packet.prepend(ethernet::kHeaderSize));
  if (packet.offload().checksum_needed) {
    packet.offload().checksum_start =
        static_cast<std::uint16_t>(packet.offload().checksum_start + ethernet::kHeaderSize);
  }
  count_up(kSent);
  sink_->transmit(std::move(packet));
}

void Host::send_arp(std::uint16_t operation, const MacAddress& to, const MacAddress& target_mac,
                    Ipv4Address target) {
  PacketBuf packet = sink_->allocate();
  if (!packet || packet.tailroom() < arp::kPacketSize) return count_up(kNoBuffer);
  arp::Packet{operation, config_.mac, config_.address.address, target_mac, target}.write(
      packet.append(arp::kPacketSize));
  send_frame(std::move(packet), to, ethernet::Type::kArp);
}

void Host::announce() {
  send_arp(arp::kRequest, MacAddress::broadcast(), MacAddress{}, config_.address.address);
}

void Host::tick(Instant now) {
  arp_.tick(now, [this](Ipv4Address address) {
    count_up(kArpRequests);
    send_arp(arp::kRequest, MacAddress::broadcast(), MacAddress{}, address);
  });
}

}  // namespace fata::net
