#include "fata/net/ipv4/engine.hpp"

namespace fata::net::ipv4 {

Engine::Engine(const Config& config)
    : random_(config.secret),
      fragment_ids_(config.secret),
      errors_(config.icmp_errors_per_second, 10),
      counters_{Counter{"not_for_us"},
                Counter{"bad_arp"},
                Counter{"bad_ip"},
                Counter{"ip_checksum"},
                Counter{"bad_fragment"}, Counter{"fragment_overlap"}, Counter{"fragment_room"}, Counter{"reassembled"}, Counter{"reassembly_timeout"}, Counter{"fragments_sent"},
                Counter{"bad_address"},
                Counter{"unknown_protocol"},
                Counter{"bad_icmp"},
                Counter{"echo_replies"},
                Counter{"arp_replies"},
                Counter{"arp_requests"},
                Counter{"icmp_errors_sent"},
                Counter{"icmp_errors_heard"},
                Counter{"icmp_errors_refused"},
                Counter{"delivered"},
                Counter{"no_route"},
                Counter{"too_long"},
                Counter{"loop_full"},
                Counter{"address_conflicts"}} {}

void Engine::add_interface(Interface& interface, Instant) {
  links_[interface.index()] = std::make_unique<Link>(interface);
  link_count_ = std::max<std::size_t>(link_count_, interface.index() + 1u);
}

bool Engine::add_address(Interface& on, const Ipv4Cidr& address, Instant now) {
  now_ = now;
  if (address_count_ == kAddresses) return false;
  addresses_[address_count_++] = {address, on.index()};
  routes_.add({address, {}, on.index(), Route::Origin::kConnected});
  Link& link = *links_[on.index()];
  send_arp(link, arp::kRequest, MacAddress::broadcast(), {}, address.address, address.address);
  return true;
}

bool Engine::remove_address(Interface& on, Ipv4Address address) {
  for (Address& each : std::span(addresses_).first(address_count_)) {
    if (each.cidr.address != address || each.interface != on.index()) continue;
    routes_.remove(each.cidr, on.index(), Route::Origin::kConnected);
    each = addresses_[--address_count_];
    return true;
  }
  return false;
}

bool Engine::is_ours(Ipv4Address address) const {
  for (const Address& each : addresses()) {
    if (each.cidr.address == address) return true;
  }
  return false;
}

// A null interface: of any.
bool Engine::is_broadcast(Ipv4Address address, const Interface* on) const {
  if (address.is_limited_broadcast()) return true;
  for (const Address& each : addresses()) {
    const bool here = on == nullptr || on->index() == each.interface;
    if (here && each.cidr.prefix < 31 && each.cidr.broadcast() == address) return true;
  }
  return false;
}

const Engine::Address* Engine::address_on(std::uint8_t interface, Ipv4Address towards) const {
  const Address* first = nullptr;
  for (const Address& each : addresses()) {
    if (each.interface != interface) continue;
    if (each.cidr.contains(towards)) return &each;
    if (first == nullptr) first = &each;
  }
  return first;
}

void Engine::receive(Interface* from, ethernet::Type type, LinkCast cast, sig::RxFrame&& packet,
                     Instant now) {
  now_ = now;
  if (type == ethernet::Type::kArp) return receive_arp(*links_[from->index()], packet.frame.bytes(), now);
  receive_ip(from, cast, std::move(packet), now);
}

void Engine::receive_arp(Link& link, Bytes payload, Instant now) {
  const auto packet = arp::Packet::parse(payload);
  if (!packet || packet->sender_mac.is_multicast() || packet->sender_mac == MacAddress{})
    return count_up(kBadArp);
  if (is_ours(packet->sender)) {
    // Somebody else claims our address, or a switch gave us our own frame back.
    return count_up(packet->sender_mac == link.interface->mac() ? kNotForUs : kAddressConflict);
  }
  const Address* target = nullptr;
  bool neighbour = false;  // on one of our networks there
  for (const Address& each : addresses()) {
    if (each.interface != link.interface->index()) continue;
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

void Engine::receive_ip(Interface* from, LinkCast cast, sig::RxFrame&& frame, Instant now) {
  const auto ip = Header::parse(frame.frame.bytes(), frame.total_size());
  if (!ip) return count_up(ip.error() == Malformed::kChecksum ? kIpChecksum : kBadIp);
  const Ipv4Address to = ip->destination;
  const bool inside = from == nullptr;
  const bool ours = is_ours(to) || (inside && to.is_loopback());
  if (!ours && !is_broadcast(to, from)) return count_up(kNotForUs);
  // RFC 1122 section 3.2.1.3: none of these can have sent a packet.
  const Ipv4Address source = ip->source;
  const bool impossible = source.is_multicast() || source.value >> 24 == 0 || is_broadcast(source, from) ||
                          (!inside && (source.is_loopback() || is_ours(source)));
  if (impossible) return count_up(kBadAddress);
  // What is behind the packet is padding.
  if (ip->total_length < frame.frame.size()) {
    frame.frame.truncate(ip->total_length);
    frame.more.clear();
  } else if (!frame.more.empty()) {
    frame.more.truncate(ip->total_length - frame.frame.size());
  }
  if (ip->is_fragment()) [[unlikely]] return receive_fragment(*ip, cast, ours, std::move(frame), now);
  // TCP's payload stays in its pieces; for the others a packet is one.
  if (!frame.more.empty() && ip->protocol != ip_protocol::kTcp && !join_pieces(frame)) return count_up(kFragmentRoom);
  const Slice whole = frame.frame;
  IpPacket packet{source, to, std::move(frame.frame), std::move(frame.more), frame.offload};
  packet.payload.trim_front(ip->header_length);
  packet.ecn = static_cast<Ecn>(ip->tos & 3);
  packet.hop_limit = ip->ttl;
  packet.unicast = ours && cast == LinkCast::kUs;
  deliver(*ip, packet, whole, now);
}

bool Engine::join_pieces(sig::RxFrame& frame) {
  PacketBuf joined = memory_.allocate(frame.total_size(), 0);
  if (!joined) return false;
  copy_bytes(joined.append(frame.frame.size()), frame.frame.bytes());
  for (const Slice& piece : frame.more.pieces()) copy_bytes(joined.append(piece.size()), piece.bytes());
  frame.more.clear();
  frame.frame = Slice(std::move(joined));
  return true;
}

void Engine::receive_fragment(const Header& header, LinkCast cast, bool ours, sig::RxFrame&& frame, Instant now) {
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
    case Reassembly::Outcome::kWaits: return;
    case Reassembly::Outcome::kOverlap: return count_up(kFragmentOverlap);
    case Reassembly::Outcome::kMalformed: return count_up(kBadFragment);
    case Reassembly::Outcome::kNoRoom: return count_up(kFragmentRoom);
    case Reassembly::Outcome::kComplete: break;
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

void Engine::deliver(const Header& header, IpPacket& packet, const Slice& whole, Instant now) {
  if (header.protocol == ip_protocol::kIcmp) return receive_icmp(header, packet, now);
  Transport* const transport = this->transport(header.protocol);
  if (transport == nullptr) {
    count_up(kUnknownProtocol);
  } else {
    count_up(kDelivered);
    if (transport->receive(packet, now)) return;
  }
  // Only about what was sent to us alone, at both layers (RFC 1122 section 3.2.2).
  const std::uint8_t code = transport == nullptr ? icmp::kCodeProtocol : icmp::kCodePort;
  if (packet.unicast) send_error(icmp::kUnreachable, code, header, whole, now);
}

Instant Engine::next_deadline() const {
  Instant next = reassembly_.next_deadline();
  for (const auto& link : std::span(links_).first(link_count_))
    next = std::min(next, link->arp.next_deadline());
  return loopback_.empty() ? next : Instant{};
}

void Engine::tick(Instant now) {
  now_ = now;
  for (const auto& link : std::span(links_).first(link_count_)) {
    link->arp.tick(now, [&](Ipv4Address address) { ask(*link, MacAddress::broadcast(), address); });
  }
  reassembly_.tick(now, [&](PacketBuf start, bool unicast) {
    const auto header = Header::parse_quoted(start.bytes());
    if (!header || !unicast) return;
    send_error(icmp::kTimeExceeded, icmp::kCodeReassembly, *header, Slice(std::move(start)), now);
  });
  counters_[kReassemblyTimeout].value = reassembly_.timed_out();
  // Of the packets to ourselves only those that are here already: an answer to one waits for the next turn.
  for (std::size_t left = Loopback::kMost; left != 0 && !loopback_.empty(); --left) {
    receive_ip(nullptr, LinkCast::kUs, loopback_.pop(), now);
  }
}

bool Engine::join(const IpAddress&, Interface&, Instant) { return false; }
void Engine::leave(const IpAddress&, Interface&, Instant) {}

bool Engine::write_neighbour(TextWriter& line, std::size_t index) const {
  const std::size_t link = index / arp::Cache::kEntries;
  if (link >= link_count_) return false;
  links_[link]->arp.write_entry(line, index % arp::Cache::kEntries);
  return true;
}

bool Engine::write_route(TextWriter& line, std::size_t index) const {
  if (index >= routes_.all().size()) return false;
  const Route& route = routes_.all()[index];
  print(line, route.to);
  if (!route.gateway.is_any()) print(line, " via ", route.gateway);
  print(line, " on ", unsigned{route.interface});
  return true;
}

}  // namespace fata::net::ipv4
