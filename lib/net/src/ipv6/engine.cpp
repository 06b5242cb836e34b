#include "fata/net/ipv6/engine.hpp"

namespace fata::net::ipv6 {

Engine::Engine(const Config& config)
    : config_(config),
      random_(config.secret),
      fragment_ids_(config.secret),
      errors_(config.icmp_errors_per_second, 10),
      counters_{Counter{"v6_not_for_us"},       Counter{"v6_bad_header"},    Counter{"v6_bad_extension"},
                Counter{"v6_bad_address"},      Counter{"v6_bad_fragment"}, Counter{"v6_fragment_overlap"}, Counter{"v6_fragment_room"}, Counter{"v6_reassembled"}, Counter{"v6_reassembly_timeout"}, Counter{"v6_fragments_sent"},     Counter{"v6_unknown_next_header"},
                Counter{"v6_bad_icmp"},         Counter{"bad_discovery"},    Counter{"v6_echo_replies"},
                Counter{"advertisements_sent"}, Counter{"solicitations_sent"}, Counter{"v6_reports_sent"},
                Counter{"v6_errors_sent"},      Counter{"v6_errors_heard"},  Counter{"v6_errors_refused"},
                Counter{"v6_delivered"},        Counter{"v6_no_route"},      Counter{"no_neighbour"},
                Counter{"v6_too_long"},         Counter{"v6_loop_full"},     Counter{"v6_address_conflicts"},
                Counter{"redirects"},           Counter{"v6_table_full"}} {}

void Engine::add_interface(Interface& interface, Instant) {
  links_[interface.index()] = std::make_unique<Link>(interface);
  link_count_ = std::max<std::size_t>(link_count_, interface.index() + 1u);
}

void Engine::start(Interface& on, Instant now) {
  now_ = now;
  Link& link = *links_[on.index()];
  if (link.started || on.mtu() < kLeastMtu) return;
  link.started = true;
  (void)groups_.join(kAllNodes, on.index());
  const IpAddress prefix = IpAddress::of(0xfe80, 0, 0, 0, 0, 0, 0, 0);
  (void)make_address(link, {stable_address(link, prefix, 0), 64}, Address::Origin::kLinkLocal, now);
}

void Engine::autoconfigure(Interface& on, Instant now) {
  start(on, now);
  Link& link = *links_[on.index()];
  link.autoconfigured = link.started;
  // Otherwise the first question goes out as soon as there is an address to ask from.
  if (link.started && !link_local(link).is_any()) link.solicit_at = now;
}

void Engine::receive(Interface* from, ethernet::Type, LinkCast cast, sig::RxFrame&& frame, Instant now) {
  now_ = now;
  const auto header = Header::parse(frame.frame.bytes(), frame.total_size());
  if (!header) return count_up(kBadHeader);
  const bool inside = from == nullptr;
  if (!inside && !links_[from->index()]->started) return count_up(kNotForUs);
  // Addresses that are never on a wire; RFC 4291 sections 2.5.2, 2.5.3 and 2.7.
  const IpAddress &source = header->source, &to = header->destination;
  const bool impossible = source.is_multicast() || source.is_v4() || to.is_v4() || to.is_any() ||
                          (!inside && (source.is_loopback() || to.is_loopback() || is_ours(source)));
  if (impossible) return count_up(kBadAddress);
  bool unicast = false;
  if (to.is_multicast()) {
    if (inside || !groups_.listens(to, from->index())) return count_up(kNotForUs);
  } else {
    const Address* const own = find(to);
    const bool here = own != nullptr && (inside || !to.is_link_local() || own->interface == from->index());
    if (!here && !(inside && to.is_loopback())) return count_up(kNotForUs);
    unicast = cast == LinkCast::kUs;
  }

  // What is behind the packet is padding.
  const std::size_t length = kHeaderSize + header->payload_length;
  if (length < frame.frame.size()) {
    frame.frame.truncate(length);
    frame.more.clear();
  } else if (!frame.more.empty()) {
    frame.more.truncate(length - frame.frame.size());
  }
  const Walk walk = walk_headers(frame.frame.bytes(), header->next_header);
  // TCP's payload stays in its pieces; for the others a packet is one.
  const bool in_pieces = !frame.more.empty() && (walk.end != Walk::End::kUpper || walk.next_header != ip_protocol::kTcp);
  if (in_pieces && !join_pieces(frame)) return count_up(kFragmentRoom);
  const Slice whole = frame.frame;
  IpPacket packet{source, to, std::move(frame.frame), std::move(frame.more), frame.offload};
  packet.ecn = static_cast<Ecn>(header->traffic_class & 3);
  packet.hop_limit = header->hop_limit;
  packet.unicast = unicast;
  receive_walked(from, *header, walk, std::move(packet), whole, now);
}

void Engine::receive_walked(Interface* from, const Header& header, const Walk& walk, IpPacket&& packet, const Slice& whole,
                            Instant now) {
  switch (walk.end) {
    case Walk::End::kUpper:
      packet.payload.trim_front(walk.offset);
      return deliver(from, header, walk, packet, whole, now);
    case Walk::End::kFragment:
      return receive_fragment(from, header, walk, std::move(packet), now);
    case Walk::End::kProblem:
      count_up(kBadExtension);
      if (packet.unicast || walk.even_to_groups) send_error(icmp6::kParameterProblem, walk.code, walk.pointer, header, whole, now);
      return;
    default:
      return count_up(kBadExtension);
  }
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

void Engine::receive_fragment(Interface* from, const Header& header, const Walk& walk, IpPacket&& packet, Instant now) {
  const Bytes bytes = packet.payload.bytes();
  const std::size_t extensions = walk.fragment_at - kHeaderSize;
  std::array<std::byte, Reassembly::kHeader> front;
  if (walk.fragment_at > front.size()) return count_up(kBadFragment);
  // The headers as they are without the fragment header.
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
  // RFC 8200 section 4.5 names the two fields that such a fragment is wrong in.
  if (fragment.more && fragment.data.size() % 8 != 0) {
    count_up(kBadFragment);
    if (packet.unicast) send_error(icmp6::kParameterProblem, 0, 4, header, packet.payload, now);
    return;
  }
  if (fragment.offset + fragment.data.size() > fragment.most) {
    count_up(kBadFragment);
    if (packet.unicast) {
      send_error(icmp6::kParameterProblem, 0, static_cast<std::uint32_t>(walk.fragment_at + 2), header, packet.payload, now);
    }
    return;
  }
  // The first fragment holds all headers (RFC 7112).
  if (fragment.offset == 0) {
    const Walk rest = walk_headers(bytes, walk.fragment.next_header, walk.offset);
    const bool whole = rest.end == Walk::End::kUpper && bytes.size() >= rest.offset + 8;
    if (!whole) {
      count_up(kBadFragment);
      if (packet.unicast) send_error(icmp6::kParameterProblem, 3, 0, header, packet.payload, now);
      return;
    }
  }
  Reassembly::Result result = reassembly_.add(fragment, now);
  switch (result.outcome) {
    case Reassembly::Outcome::kWaits: return;
    case Reassembly::Outcome::kOverlap: return count_up(kFragmentOverlap);
    case Reassembly::Outcome::kMalformed: return count_up(kBadFragment);
    case Reassembly::Outcome::kNoRoom: return count_up(kFragmentRoom);
    case Reassembly::Outcome::kComplete: break;
  }
  count_up(kReassembled);
  const std::size_t length = result.packet.size() - kHeaderSize;
  store_be(result.packet.bytes().subspan(4), static_cast<std::uint16_t>(length));
  const Slice whole(std::move(result.packet));
  const auto put_together = Header::parse(whole.bytes(), whole.size());
  if (!put_together) return count_up(kBadHeader);
  const Walk rest = walk_headers(whole.bytes(), put_together->next_header);
  // A fragment in a fragment is nobody's packet.
  if (rest.end == Walk::End::kFragment) return count_up(kBadFragment);
  IpPacket joined{header.source, header.destination, whole, {}, {}};
  joined.ecn = result.ecn;
  joined.hop_limit = header.hop_limit;
  joined.unicast = result.unicast;
  receive_walked(from, *put_together, rest, std::move(joined), whole, now);
}

void Engine::deliver(Interface* from, const Header& header, const Walk& walk, IpPacket& packet, const Slice& whole,
                     Instant now) {
  if (walk.next_header == ip_protocol::kIcmpV6) return receive_icmp(from, header, packet, now);
  if (header.source.is_any()) return count_up(kBadAddress);
  Transport* const transport = this->transport(walk.next_header);
  if (transport == nullptr) {
    count_up(kUnknownNextHeader);
    if (packet.unicast) {
      send_error(icmp6::kParameterProblem, 1, static_cast<std::uint32_t>(walk.next_header_at), header, whole, now);
    }
    return;
  }
  count_up(kDelivered);
  if (transport->receive(packet, now)) return;
  if (packet.unicast) send_error(icmp6::kUnreachable, icmp6::kCodePort, 0, header, whole, now);
}

const Address* Engine::find(const IpAddress& address) const {
  for (const Address& each : addresses()) {
    if (each.usable() && each.address() == address) return &each;
  }
  return nullptr;
}

Address* Engine::find_on(const IpAddress& address, std::uint8_t interface) {
  for (Address& each : own()) {
    if (each.interface == interface && each.address() == address) return &each;
  }
  return nullptr;
}

bool Engine::is_ours(const IpAddress& address) const { return find(address) != nullptr; }

IpAddress Engine::link_local(const Link& link) const {
  for (const Address& each : addresses()) {
    if (each.usable() && each.interface == link.interface->index() && each.address().is_link_local()) return each.address();
  }
  return {};
}

Instant Engine::next_deadline() const {
  if (!loopback_.empty()) return {};
  Instant next = std::min(groups_.next_deadline(), reassembly_.next_deadline());
  for (const auto& link : std::span(links_).first(link_count_)) {
    next = std::min({next, link->neighbours.next_deadline(), link->solicit_at});
  }
  for (const Address& each : addresses()) next = std::min({next, each.detect_at, each.valid_until});
  return next;
}

void Engine::tick(Instant now) {
  now_ = now;
  for (const auto& each : std::span(links_).first(link_count_)) {
    Link& link = *each;
    link.neighbours.tick(
        now, [&](const IpAddress& address, const MacAddress* mac) { solicit(link, address, mac, now); },
        [&](const IpAddress& address, std::optional<PacketBuf> packet) {
          neighbour_failed(link, address, std::move(packet), now);
        });
    if (link.solicit_at <= now) solicit_router(link, now);
  }
  age_addresses(now);
  routers_.age(now);
  groups_.tick(now, seconds(1), random_, [&](const Groups::Group& group) {
    report(*links_[group.interface], group.group, Report::kListens, now);
  });
  reassembly_.tick(now, [&](PacketBuf start, bool unicast) {
    store_be(start.bytes().subspan(4), static_cast<std::uint16_t>(start.size() - kHeaderSize));
    const auto header = Header::parse_quoted(start.bytes());
    if (!header || !unicast) return;
    send_error(icmp6::kTimeExceeded, icmp6::kCodeReassembly, 0, *header, Slice(std::move(start)), now);
  });
  counters_[kReassemblyTimeout].value = reassembly_.timed_out();
  // Of the packets to ourselves only those that are here already: an answer to one waits for the next turn.
  for (std::size_t left = Loopback::kMost; left != 0 && !loopback_.empty(); --left) {
    receive(nullptr, ethernet::Type::kIpv6, LinkCast::kUs, loopback_.pop(), now);
  }
}

bool Engine::write_neighbour(TextWriter& line, std::size_t index) const {
  const std::size_t link = index / Neighbours::kEntries;
  if (link >= link_count_) return false;
  links_[link]->neighbours.write_entry(line, index % Neighbours::kEntries, now_);
  return true;
}

bool Engine::write_route(TextWriter& line, std::size_t index) const {
  if (index < routers_.prefixes().size()) {
    const Routers::Prefix& prefix = routers_.prefixes()[index];
    print(line, prefix.cidr, " on ", unsigned{prefix.interface});
    return true;
  }
  index -= routers_.prefixes().size();
  if (index < routers_.routes().size()) {
    const Routers::Route& route = routers_.routes()[index];
    print(line, route.to);
    if (!route.gateway.is_any()) print(line, " via ", route.gateway);
    print(line, " on ", unsigned{route.interface});
    return true;
  }
  index -= routers_.routes().size();
  if (index >= routers_.routers().size()) return false;
  const Routers::Router& router = routers_.routers()[index];
  print(line, "::/0 via ", router.address, " on ", unsigned{router.interface});
  if (router.silent) line.put(" silent");
  return true;
}

}  // namespace fata::net::ipv6
