// Our addresses: duplicate address detection (RFC 4862 section 5.4, RFC 7527), stable addresses
// (RFC 7217), lifetimes.
#include "fata/ip/ipv6/engine.hpp"

namespace fata::ip::ipv6 {

namespace {
using Outcome = AddressConflict::Outcome;
// Interval between attempts to get an address that another station has.
constexpr Duration kTryAgain = seconds(60);
}  // namespace

bool Engine::add_address(Interface& on, const Ipv6Cidr& address, Instant now) {
  start(on, now);
  Link& link = *links_[on.index()];
  if (!link.started || make_address(link, address, Address::Origin::kStatic, now) == nullptr)
    return false;
  routers_.on_link({address, on.index(), Instant::never()}, now);
  return true;
}

bool Engine::remove_address(Interface& on, const IpAddress& address, Instant now) {
  now_ = now;
  Address* const found = find_on(address, on.index());
  if (found == nullptr) return false;
  const Address gone = *found;
  drop_address(*found, now);
  const bool shared = std::ranges::any_of(addresses(), [&](const Address& other) {
    return other.origin == Address::Origin::kStatic && other.interface == gone.interface &&
           other.cidr.prefix == gone.cidr.prefix && other.cidr.contains(gone.address());
  });
  if (gone.origin == Address::Origin::kStatic && !shared)
    routers_.on_link({gone.cidr, on.index(), Instant{}}, now);
  return true;
}

Address* Engine::make_address(Link& link, const Ipv6Cidr& address, Address::Origin origin,
                              Instant now) {
  if (address_count_ == kAddresses) return count_up(kTableFull), nullptr;
  Address& made = addresses_[address_count_++];
  made = {};
  made.cidr = address;
  made.interface = link.interface->index();
  made.origin = origin;
  start_detection(link, made, now);
  return &made;
}

void Engine::drop_address(Address& address, Instant now) {
  leave(wire::ipv6::solicited_node(address.address()), *links_[address.interface]->interface, now);
  address = addresses_[--address_count_];
}

void Engine::start_detection(Link& link, Address& address, Instant now) {
  if (!join(wire::ipv6::solicited_node(address.address()), *link.interface, now))
    count_up(kTableFull);
  address.state = Address::State::kTentative;
  address.probes_left = config_.dad_transmits;
  address.nonce = random_.next() >> 16;
  detect(link, address, now);
}

// Sends the next probe; after the last unanswered one, the address becomes valid.
void Engine::detect(Link& link, Address& address, Instant now) {
  if (address.state == Address::State::kDuplicate) return start_detection(link, address, now);
  if (address.probes_left != 0) {
    --address.probes_left;
    address.detect_at = now + link.neighbours.retransmit;
    wire::nd::NeighbourMessage question;
    question.target = address.address();
    question.nonce = address.nonce;
    count_up(kSolicitationsSent);
    return send_neighbour_message(link, question, {}, wire::ipv6::solicited_node(address.address()),
                                  nullptr, now);
  }
  address.state = Address::State::kValid;
  address.detect_at = Instant::never();
  if (address.reported_at.ns != 0)
    report_conflict(*link.interface, {address.address(), {}, Outcome::kRecovered}, now);
  if (address.origin != Address::Origin::kLinkLocal) return;
  if (link.autoconfigured) link.solicit_at = now;
  // Routers ignore reports from the unspecified address, so report the groups again (RFC 3590).
  groups_.asked({}, link.interface->index(), milliseconds(100), now, random_);
}

void Engine::duplicate(Link& link, Address& address, const MacAddress& other, Instant now) {
  count_up(kAddressConflict);
  address.reported_at = now;
  static constexpr std::uint8_t kRetries = 3;  // IDGEN_RETRIES
  leave(wire::ipv6::solicited_node(address.address()), *link.interface, now);
  if (address.origin == Address::Origin::kStatic || address.collisions == kRetries) {
    address.state = Address::State::kDuplicate;
    address.detect_at = now + kTryAgain;
    return report_conflict(*link.interface, {address.address(), other, Outcome::kRefused}, now);
  }
  report_conflict(*link.interface, {address.address(), other, Outcome::kReplaced}, now);
  ++address.collisions;
  address.cidr.address = stable_address(link, address.address(), address.collisions);
  start_detection(link, address, now);
}

IpAddress Engine::stable_address(const Link& link, const IpAddress& prefix,
                                 std::uint8_t collisions) const {
  std::array<std::byte, 16> octets = prefix.octets();
  std::array<std::byte, 8> mac{};
  copy_bytes(mac, link.interface->mac().octets);
  const auto network = load_be<std::uint64_t>(Bytes(octets));
  std::uint64_t number =
      siphash(config_.secret,
              std::array<std::uint64_t, 3>{network, load_be<std::uint64_t>(mac), collisions});
  // Reserved: the identifier of routers (RFC 4291 section 2.6.1) and those of RFC 5453.
  if (number == 0 || number >> 8 == 0xfdffffffffffff) number ^= std::uint64_t{1} << 32;
  store_be(MutableBytes(octets).subspan(8), number);
  return IpAddress(octets);
}

// Handles a prefix that a router offers for address autoconfiguration (RFC 4862 section 5.5.3).
void Engine::offered(Link& link, const Ipv6Cidr& prefix, Duration valid, Duration preferred,
                     Instant now) {
  for (Address& each : own()) {
    const bool same = each.origin == Address::Origin::kOffered &&
                      each.interface == link.interface->index() && prefix.contains(each.address());
    if (!same) continue;
    each.preferred_until = now + preferred;
    // An advertisement cannot shorten a lifetime below two hours or end it at once (e).
    const Duration left = each.valid_until - now;
    if (valid > seconds(7200) || valid > left) {
      each.valid_until = now + valid;
    } else if (left > seconds(7200)) {
      each.valid_until = now + seconds(7200);
    }
    return;
  }
  if (valid.ns == 0) return;
  Address* const made = make_address(link, {stable_address(link, prefix.address, 0), 64},
                                     Address::Origin::kOffered, now);
  if (made == nullptr) return;
  made->preferred_until = now + preferred;
  made->valid_until = now + valid;
}

// RFC 4861 section 7.2.6. Addresses not in use yet are being probed anyway.
void Engine::announce_again(Instant now) {
  for (const Address& each : addresses()) {
    if (!each.usable()) continue;
    Link& link = *links_[each.interface];
    wire::nd::NeighbourMessage message;
    message.type = wire::nd::kNeighbourAdvertisement;
    message.override_known = true;
    message.target = each.address();
    message.link_address = link.interface->mac();
    count_up(kAdvertisementsSent);
    send_neighbour_message(link, message, each.address(), wire::ipv6::kAllNodes, nullptr, now);
  }
}

void Engine::age_addresses(Instant now) {
  for (std::size_t i = 0; i < address_count_;) {
    Address& address = addresses_[i];
    if (address.valid_until <= now) {
      drop_address(address, now);  // the last entry moved here
      continue;
    }
    if (address.detect_at <= now) detect(*links_[address.interface], address, now);
    ++i;
  }
}

}  // namespace fata::ip::ipv6
