// Address conflict detection: probing, announcing and defending our addresses (RFC 5227).
#include "fata/ip/ipv4/engine.hpp"

namespace fata::ip::ipv4 {
namespace {
constexpr std::uint8_t kProbes = 3;
constexpr std::uint8_t kAnnouncements = 2;
constexpr Duration kAnnounceInterval = seconds(2);  // also ANNOUNCE_WAIT
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

// Sends the probe or announcement that is due.
void Engine::step(Address& address, Instant now) {
  Link& link = *links_[address.interface];
  const Ipv4Address own = address.cidr.address;
  if (!address.used) {
    if (address.steps_left == 0) return use(address, now);
    --address.steps_left;
    address.next_at = now + (address.steps_left == 0 ? kAnnounceInterval
                                                     : seconds(1) + random_.up_to(seconds(1)));
    return send_arp(link, wire::arp::kRequest, MacAddress::broadcast(), {}, {}, own);
  }
  --address.steps_left;
  address.next_at = address.steps_left == 0 ? Instant::never() : now + kAnnounceInterval;
  send_arp(link, wire::arp::kRequest, MacAddress::broadcast(), {}, own, own);
}

// Schedules announcements for the next tick. Addresses still being probed continue probing.
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

// Handles an ARP packet of another station that uses one of our addresses as its sender or, before
// we use the address, probes for it.
bool Engine::conflicts(Link& link, const wire::arp::Packet& packet, Instant now) {
  for (Address& each : std::span(addresses_).first(address_count_)) {
    if (each.interface != link.interface->index()) continue;
    const bool claimed = packet.sender == each.cidr.address;
    const bool sought = !each.used && packet.sender.is_any() &&
                        packet.operation == wire::arp::kRequest &&
                        packet.target == each.cidr.address;
    if (!claimed && !sought) continue;
    // A switch may return our own frames.
    if (packet.sender_mac == link.interface->mac()) return count_up(kNotForUs), true;
    count_up(kAddressConflict);
    // An address is defended once in ten seconds (section 2.4 (b)). A second conflict loses it,
    // except for a user-configured address, which is kept (c). An unprobed address is abandoned on
    // any conflict during its announcements.
    const bool new_here = each.claim == Claim::kUnprobed && each.steps_left != 0;
    const bool defend = each.used && !new_here &&
                        (each.defended_at + kDefendInterval <= now || each.defended_at.ns == 0);
    const bool keep = defend || (each.used && each.claim == Claim::kAnnounce);
    if (defend) {
      each.defended_at = now;
      send_arp(link, wire::arp::kRequest, MacAddress::broadcast(), {}, each.cidr.address,
               each.cidr.address);
    }
    // Starts at 1: 0 means never.
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
  header.protocol = protocol::kUdp;
  const NextHop next{links_[on.index()].get(), {}, header.destination, Cast::kBroadcast};
  if (datagram.size() + kHeaderSize > on.mtu())
    return send_long(next, header, std::move(datagram), now);
  header.total_length = static_cast<std::uint16_t>(datagram.size() + kHeaderSize);
  header.write(prepend_header(datagram, kHeaderSize));
  output(next, std::move(datagram), now);
}

}  // namespace fata::ip::ipv4
