// Own addresses: claimed, announced and defended (RFC 5227).
#include "fata/net/ipv4/engine.hpp"

namespace fata::net::ipv4 {
namespace {
constexpr std::uint8_t kProbes = 3;
constexpr std::uint8_t kAnnouncements = 2;
constexpr Duration kAnnounceInterval = seconds(2);  // and ANNOUNCE_WAIT
constexpr Duration kDefendInterval = seconds(10);
}  // namespace

bool Engine::add_address(Interface& on, const Ipv4Cidr& address, Instant now, Claim claim) {
  now_ = now;
  if (address_count_ == kAddresses) return false;
  Address& made = addresses_[address_count_++];
  made = {};
  made.cidr = address;
  made.interface = on.index();
  made.claim = claim;
  if (claim == Claim::kProbe) {
    made.steps_left = kProbes;
    made.next_at = now + random_.up_to(seconds(1));
  } else {
    use(made, now);
  }
  return true;
}

void Engine::use(Address& address, Instant now) {
  address.used = true;
  address.steps_left = kAnnouncements;
  routes_.add({address.cidr, {}, address.interface, Route::Origin::kConnected});
  if (watcher_ != nullptr && address.claim != Claim::kAnnounce) {
    watcher_->address_event(*links_[address.interface]->interface, address.cidr.address,
                            AddressEvent::kReady, now);
  }
  step(address, now);
}

// The next probe or announcement is due.
void Engine::step(Address& address, Instant now) {
  Link& link = *links_[address.interface];
  const Ipv4Address own = address.cidr.address;
  if (!address.used) {
    if (address.steps_left == 0) return use(address, now);
    --address.steps_left;
    address.next_at = now + (address.steps_left == 0 ? kAnnounceInterval
                                                     : seconds(1) + random_.up_to(seconds(1)));
    return send_arp(link, arp::kRequest, MacAddress::broadcast(), {}, {}, own);
  }
  --address.steps_left;
  address.next_at = address.steps_left == 0 ? Instant::never() : now + kAnnounceInterval;
  send_arp(link, arp::kRequest, MacAddress::broadcast(), {}, own, own);
}

// At the next tick. What is still probed goes on being probed.
void Engine::announce_again(Instant now) {
  for (Address& each : std::span(addresses_).first(address_count_)) {
    if (!each.used) continue;
    each.steps_left = kAnnouncements;
    each.next_at = now;
  }
}

void Engine::age_addresses(Instant now) {
  for (Address& each : std::span(addresses_).first(address_count_)) {
    if (each.next_at <= now) step(each, now);
  }
}

bool Engine::remove_address(Interface& on, Ipv4Address address) {
  for (Address& each : std::span(addresses_).first(address_count_)) {
    if (each.cidr.address != address || each.interface != on.index()) continue;
    const Address gone = each;
    each = addresses_[--address_count_];
    const bool shared = std::ranges::any_of(addresses(), [&](const Address& other) {
      return other.used && other.interface == gone.interface &&
             other.cidr.prefix == gone.cidr.prefix && other.cidr.contains(gone.cidr.address);
    });
    if (gone.used && !shared) routes_.remove(gone.cidr, on.index(), Route::Origin::kConnected);
    return true;
  }
  return false;
}

// An ARP packet of another card from (or, before the address is used, in search of) an address of
// ours.
bool Engine::conflicts(Link& link, const arp::Packet& packet, Instant now) {
  for (Address& each : std::span(addresses_).first(address_count_)) {
    if (each.interface != link.interface->index()) continue;
    const bool claimed = packet.sender == each.cidr.address;
    const bool sought = !each.used && packet.sender.is_any() && packet.operation == arp::kRequest &&
                        packet.target == each.cidr.address;
    if (!claimed && !sought) continue;
    // A switch may give us our own frames back.
    if (packet.sender_mac == link.interface->mac()) return count_up(kNotForUs), true;
    count_up(kAddressConflict);
    // Once in ten seconds an address is defended (section 2.4 (b)); a second claim wins, unless the
    // address was set by the user, who wants it used all the same (c). An unprobed address is
    // abandoned on any conflict during its announcements.
    const bool new_here = each.claim == Claim::kUnprobed && each.steps_left != 0;
    const bool defend = each.used && !new_here &&
                        (each.defended_at + kDefendInterval <= now || each.defended_at.ns == 0);
    const bool keep = defend || (each.used && each.claim == Claim::kAnnounce);
    if (defend) {
      each.defended_at = now;
      send_arp(link, arp::kRequest, MacAddress::broadcast(), {}, each.cidr.address,
               each.cidr.address);
    }
    // Counted from 1, as 0 says that there was none.
    const auto now_s = static_cast<std::uint32_t>((now - Instant{}).s() + 1);
    const auto interval_s = static_cast<std::uint32_t>(kConflictInterval.s());
    if (!keep || each.reported_s == 0 || now_s - each.reported_s >= interval_s) {
      using Outcome = AddressConflict::Outcome;
      each.reported_s = now_s;
      const IpAddress address(each.cidr.address);
      report_conflict(*link.interface,
                      {address, packet.sender_mac, keep ? Outcome::kKept : Outcome::kLost}, now);
    }
    if (keep) return true;
    const Ipv4Address lost = each.cidr.address;
    (void)remove_address(*link.interface, lost);
    if (watcher_ != nullptr)
      watcher_->address_event(*link.interface, lost, AddressEvent::kLost, now);
    return true;
  }
  return false;
}

void Engine::send_unconfigured(Interface& on, PacketBuf datagram, Instant now) {
  now_ = now;
  Header header;
  header.destination = {0xffffffff};
  header.protocol = ip_protocol::kUdp;
  const Way way{links_[on.index()].get(), {}, header.destination, Cast::kBroadcast};
  if (datagram.size() + kHeaderSize > on.mtu())
    return send_long(way, header, std::move(datagram), now);
  header.total_length = static_cast<std::uint16_t>(datagram.size() + kHeaderSize);
  header.write(prepend_header(datagram, kHeaderSize));
  output(way, std::move(datagram), now);
}

}  // namespace fata::net::ipv4
