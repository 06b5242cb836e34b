// Neighbour discovery (RFC 4861) for a host: the neighbours on the link and the routers among them.
#include "fata/ip/ipv6/engine.hpp"

namespace fata::ip::ipv6 {

void Engine::receive_discovery(Link& link, const Header& header, Bytes message, Instant now) {
  // A packet from another link cannot have hop limit 255: a router would have decremented it.
  if (header.hop_limit != 255) return count_up(kBadDiscovery);
  if (Address* const own = find_on(header.source, link.interface->index());
      own != nullptr && own->usable())
    return claimed(link, *own, link.interface->sender(), now);
  const auto type = static_cast<std::uint8_t>(message[0]);
  if (type == wire::nd::kRouterAdvertisement) return receive_router(link, header, message, now);
  if (type == wire::nd::kRedirect) return receive_redirect(link, header, message, now);
  if (type == wire::nd::kRouterSolicitation) return;  // only for routers
  [[clang::uninitialized]] const auto neighbour = wire::nd::NeighbourMessage::parse(message);
  if (!neighbour || neighbour->target.is_multicast()) return count_up(kBadDiscovery);
  if (type == wire::nd::kNeighbourSolicitation)
    return receive_solicitation(link, header, *neighbour, now);
  receive_advertisement(link, header, *neighbour, now);
}

void Engine::receive_solicitation(Link& link, const Header& header,
                                  const wire::nd::NeighbourMessage& message, Instant now) {
  const bool from_nobody = header.source.is_any();
  const bool sound =
      !from_nobody ||
      (header.destination == wire::ipv6::solicited_node(message.target) && !message.link_address);
  if (!sound) return count_up(kBadDiscovery);
  Address* const target = find_on(message.target, link.interface->index());
  if (target == nullptr || target->state == Address::State::kDuplicate) return count_up(kNotForUs);
  if (target->state == Address::State::kTentative) {
    // Another station probes the same address. Our own looped-back probe does not count (RFC 7527).
    if (from_nobody && message.nonce != target->nonce)
      duplicate(link, *target, link.interface->sender(), now);
    return;
  }
  // Every valid solicitation is answered (section 7.2.4), whatever its source: a router may solicit
  // from an address outside our prefixes. Only next hops get table entries.
  const bool near =
      !from_nobody && routers_.is_neighbour(header.source, link.interface->index(), now);
  if (near && message.link_address) {
    link.neighbours.heard(header.source, *message.link_address, false, now);
    send_waited(link, header.source, *message.link_address, now);
  }
  wire::nd::NeighbourMessage answer;
  answer.type = wire::nd::kNeighbourAdvertisement;
  answer.solicited = !from_nobody;
  answer.override_known = true;
  answer.target = target->address();
  answer.link_address = link.interface->mac();
  count_up(kAdvertisementsSent);
  const MacAddress* const asker = near || !message.link_address ? nullptr : &*message.link_address;
  send_neighbour_message(link, answer, target->address(),
                         from_nobody ? wire::ipv6::kAllNodes : header.source, asker, now);
}

void Engine::receive_advertisement(Link& link, const Header& header,
                                   const wire::nd::NeighbourMessage& message, Instant now) {
  if (header.destination.is_multicast() && message.solicited) return count_up(kBadDiscovery);
  Address* const own = find_on(message.target, link.interface->index());
  // A station with an address that is a duplicate here is an ordinary neighbour.
  if (own != nullptr && own->state != Address::State::kDuplicate) {
    return claimed(link, *own, message.link_address.value_or(link.interface->sender()), now);
  }
  const auto outcome =
      link.neighbours.advertised(message.target, message.link_address, message.router,
                                 message.solicited, message.override_known, now);
  if (outcome.no_router_any_more) routers_.forget(message.target, link.interface->index());
  if (message.solicited) routers_.silent(message.target, link.interface->index(), false);
  if (message.link_address) send_waited(link, message.target, *message.link_address, now);
}

// Handles another station that advertises one of our addresses.
void Engine::claimed(Link& link, Address& own, const MacAddress& other, Instant now) {
  // A switch may return our own frames.
  if (own.usable() && other == link.interface->mac()) return count_up(kNotForUs);
  if (own.state == Address::State::kTentative) return duplicate(link, own, other, now);
  count_up(kAddressConflict);
  if (own.reported_at.ns != 0 && now < own.reported_at + kConflictInterval) return;
  own.reported_at = now;
  report_conflict(*link.interface, {own.address(), other, AddressConflict::Outcome::kKept}, now);
}

void Engine::receive_router(Link& link, const Header& header, Bytes message, Instant now) {
  const bool sound = message.size() >= 16 && message[1] == std::byte{0} &&
                     header.source.is_link_local() && wire::nd::Options::valid(message.subspan(16));
  if (!sound) return count_up(kBadDiscovery);
  if (!link.autoconfigured) return count_up(kNotForUs);
  const std::uint8_t index = link.interface->index();
  const auto hop_limit = static_cast<std::uint8_t>(message[4]);
  // CVE-2015-2922: a hop limit of 1 would confine all our packets to the link.
  if (hop_limit >= kMinHopLimit) link.hop_limit = hop_limit;
  const Duration lifetime = seconds(load_be<std::uint16_t>(message.subspan(6)));
  // RFC 4191: 01 is high, 11 low; 10 is reserved and treated as medium.
  const unsigned preference = static_cast<unsigned>(message[5]) >> 3 & 3;
  Routers::Router router{header.source, index, Routers::Preference::kMedium, false, now + lifetime};
  if (preference == 1) router.preference = Routers::Preference::kHigh;
  if (preference == 3) router.preference = Routers::Preference::kLow;
  routers_.advertised(router, now);
  if (lifetime.ns != 0) link.solicit_at = Instant::never();

  const auto reachable = milliseconds(load_be<std::uint32_t>(message.subspan(8)));
  if (reachable.ns != 0 && reachable <= seconds(3600) && reachable != link.base_reachable) {
    link.base_reachable = reachable;
    link.neighbours.reachable_time = reachable / 2 + random_.up_to(reachable);  // 0.5 to 1.5 times
  }
  const auto retransmit = milliseconds(load_be<std::uint32_t>(message.subspan(12)));
  // Clamped, so that a router cannot cause a storm of solicitations.
  if (retransmit.ns != 0)
    link.neighbours.retransmit = std::clamp(retransmit, milliseconds(100), seconds(60));

  if (const auto mac =
          wire::nd::Options::link_address(message.subspan(16), wire::nd::kSourceLink)) {
    link.neighbours.heard(header.source, *mac, true, now);
    send_waited(link, header.source, *mac, now);
  }
  wire::nd::Options options(message.subspan(16));
  while ([[clang::uninitialized]] const auto option = options.next()) {
    const Bytes body = option->body;
    if (option->type == wire::nd::kMtu && body.size() == 6) {
      const auto mtu = load_be<std::uint32_t>(body.subspan(2));
      if (mtu >= wire::ipv6::kMinMtu && mtu <= link.interface->mtu()) link.mtu = mtu;
    } else if (option->type == wire::nd::kPrefix && body.size() == 30) {
      const auto flags = static_cast<unsigned>(body[1]);
      const auto lifetime_of = [&](std::size_t at) {
        const auto value = load_be<std::uint32_t>(body.subspan(at));
        return value == 0xffffffff ? nanoseconds(std::numeric_limits<std::int64_t>::max() / 2)
                                   : seconds(value);
      };
      std::array<std::byte, 16> octets{};
      copy_bytes(octets, body.subspan(14, 16));
      const Ipv6Cidr prefix{IpAddress(octets), static_cast<std::uint8_t>(body[0])};
      const Duration valid = lifetime_of(2), preferred = lifetime_of(6);
      const bool usable =
          prefix.prefix <= 128 && !prefix.address.is_link_local() && !prefix.address.is_multicast();
      if (!usable) continue;
      if ((flags & 0x80) != 0) routers_.on_link({prefix, index, now + valid}, now);
      if ((flags & 0x40) != 0 && prefix.prefix == 64 && preferred <= valid)
        offered(link, prefix, valid, preferred, now);
    } else {
      receive_dns(link, *option, now);
    }
  }
}

void Engine::receive_dns(Link& link, const wire::nd::Option& option, Instant now) {
  if (option.body.size() < 6) return;
  const Instant until = now + seconds(load_be<std::uint32_t>(option.body.subspan(2)));
  Bytes rest = option.body.subspan(6);
  if (option.type == wire::nd::kDnssl) {
    search_length_ = until <= now ? 0 : std::min(rest.size(), search_domain_.size());
    copy_bytes(search_domain_, rest.first(search_length_));
    return;
  }
  if (option.type != wire::nd::kRdnss) return;
  for (; rest.size() >= 16; rest = rest.subspan(16)) {
    std::array<std::byte, 16> octets{};
    copy_bytes(octets, rest.first(16));
    const DnsServer server{IpAddress(octets), link.interface->index(), until};
    const auto known = std::span(dns_servers_).first(dns_server_count_);
    auto place = std::ranges::find(known, server.address, &DnsServer::address);
    if (place == known.end()) {
      // Reuse an expired entry, else append, else drop the new server.
      place = std::ranges::find_if(known, [&](const DnsServer& each) { return each.until <= now; });
      if (place == known.end()) {
        if (until <= now || dns_server_count_ == kDnsServers) continue;
        dns_servers_[dns_server_count_++] = server;
        continue;
      }
    }
    *place = server;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < dns_server_count_; ++i) {
    if (now < dns_servers_[i].until) dns_servers_[kept++] = dns_servers_[i];
  }
  dns_server_count_ = kept;
}

void Engine::receive_redirect(Link& link, const Header& header, Bytes message, Instant now) {
  const bool sound = message.size() >= 40 && message[1] == std::byte{0} &&
                     header.source.is_link_local() && wire::nd::Options::valid(message.subspan(40));
  if (!sound) return count_up(kBadDiscovery);
  std::array<std::byte, 16> octets{};
  copy_bytes(octets, message.subspan(8, 16));
  const IpAddress target(octets);
  copy_bytes(octets, message.subspan(24, 16));
  const IpAddress destination(octets);
  [[clang::uninitialized]] const auto now_by = routers_.find(destination, now);
  // Only the current next hop may redirect, and only to a router or to the destination itself
  // (section 8.1).
  const bool allowed = !destination.is_multicast() && now_by && now_by->address == header.source &&
                       now_by->interface == link.interface->index() &&
                       (target.is_link_local() || target == destination);
  if (!allowed) return count_up(kBadDiscovery);
  count_up(kRedirects);
  routers_.redirected({destination, target, link.interface->index(), now + Routers::kRedirectAge},
                      now);
  if (const auto mac =
          wire::nd::Options::link_address(message.subspan(40), wire::nd::kTargetLink)) {
    link.neighbours.heard(target, *mac, target != destination, now);
    send_waited(link, target, *mac, now);
  }
}

void Engine::solicit(Link& link, const IpAddress& target, const MacAddress* mac, Instant now) {
  const Address* const source = select_source(addresses(), target, link.interface->index(), now);
  if (source == nullptr || (mac == nullptr && !link.questions.allow(now))) return;
  wire::nd::NeighbourMessage question;
  question.target = target;
  question.link_address = link.interface->mac();
  count_up(kSolicitationsSent);
  send_neighbour_message(link, question, source->address(),
                         mac == nullptr ? wire::ipv6::solicited_node(target) : target, mac, now);
}

void Engine::solicit_router(Link& link, Instant now) {
  // Solicitations back off until a router answers, but do not stop before that (RFC 7559).
  link.solicit_wait =
      link.solicit_wait.ns == 0 ? seconds(4) : std::min(link.solicit_wait * 2, seconds(3600));
  link.solicit_at = now + link.solicit_wait * 9 / 10 + random_.up_to(link.solicit_wait / 5);
  const IpAddress source = link_local(link);
  [[clang::uninitialized]] PacketBuf packet =
      link.interface->allocate(wire::ethernet::kHeadroom + kHeaderSize);
  if (source.is_any() || !packet) return;
  ByteWriter out(packet.append(16));
  out.u8(wire::nd::kRouterSolicitation);
  out.u8(0);
  out.u16(0);
  out.u32(0);
  out.u8(wire::nd::kSourceLink);
  out.u8(1);
  out.bytes(link.interface->mac().octets);
  count_up(kSolicitationsSent);
  send_message({&link, source, wire::ipv6::kAllRouters}, std::move(packet), wire::ipv6::kAllRouters,
               255, nullptr, now);
}

void Engine::send_neighbour_message(Link& link, const wire::nd::NeighbourMessage& message,
                                    const IpAddress& source, const IpAddress& to,
                                    const MacAddress* to_mac, Instant now) {
  [[clang::uninitialized]] PacketBuf packet =
      link.interface->allocate(wire::ethernet::kHeadroom + kHeaderSize);
  if (!packet) return;
  packet.truncate(message.write(packet.append(wire::nd::NeighbourMessage::kMaxSize)));
  send_message({&link, source, to}, std::move(packet), to, 255, to_mac, now);
}

void Engine::neighbour_failed(Link& link, const IpAddress& address, std::span<PacketBuf> packets,
                              Instant now) {
  count_up(kNoNeighbour);
  routers_.silent(address, link.interface->index(), true);
  for (const PacketBuf& packet : packets) {
    // The sender gets the same error as if a router had sent it (RFC 4861 section 7.2.2).
    [[clang::uninitialized]] const auto header = Header::parse_quoted(packet.bytes());
    if (!header) continue;
    [[clang::uninitialized]] const Walk walk = walk_headers(packet.bytes(), header->next_header);
    Transport* const sender = walk.end == Walk::End::kUpper ? transport(walk.next_header) : nullptr;
    if (sender == nullptr || packet.size() < walk.offset + 8) continue;
    const Bytes quoted = packet.bytes().subspan(walk.offset);
    sender->icmp_error(
        {IcmpError::Kind::kUnreachable, header->source, header->destination, 0, quoted}, now);
  }
}

}  // namespace fata::ip::ipv6
