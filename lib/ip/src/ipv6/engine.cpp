#include "fata/ip/ipv6/engine.hpp"

namespace fata::ip::ipv6 {

namespace {
// Names of Engine::Count, in the same order.
constexpr std::array<Counter, Engine::kCounts> kCounters{
    {{"v6_not_for_us"},      {"v6_bad_header"},          {"v6_bad_extension"},
     {"v6_bad_address"},     {"v6_bad_fragment"},        {"v6_fragment_overlap"},
     {"v6_fragment_room"},   {"v6_reassembled"},         {"v6_reassembly_timeout"},
     {"v6_fragments_sent"},  {"v6_unknown_next_header"}, {"v6_bad_icmp"},
     {"bad_discovery"},      {"v6_echo_replies"},        {"advertisements_sent"},
     {"solicitations_sent"}, {"v6_reports_sent"},        {"v6_errors_sent"},
     {"v6_errors_heard"},    {"v6_errors_refused"},      {"v6_delivered"},
     {"v6_no_route"},        {"no_neighbour"},           {"v6_too_long"},
     {"v6_loop_full"},       {"v6_address_conflicts"},   {"redirects"},
     {"v6_table_full"},      {"v6_waited_in_vain"},      {"v6_no_memory"}}};
constexpr std::uint64_t kFragmentPurpose = 0x69643676;
}  // namespace

Engine::Engine(const Config& config)
    : config_(config),
      random_(config.secret),
      fragment_ids_(config.secret, kFragmentPurpose),
      errors_(config.icmp_errors_per_second, 10),
      counters_(kCounters) {}

void Engine::renew(const SipKey& secret, Instant now) {
  now_ = now;
  config_.secret = secret;
  random_ = RandomSource(secret);
  fragment_ids_ = FragmentIds(secret, kFragmentPurpose);
  announce_again(now);
  for (const auto& link : std::span(links_).first(link_count_)) {
    groups_.asked({}, link->interface->index(), seconds(1), now, random_);
    if (link->autoconfigured && !link_local(*link).is_any())
      link->solicit_at = now, link->solicit_wait = {};
  }
}

void Engine::add_interface(Interface& interface, Instant) {
  links_[interface.index()] = std::make_unique<Link>(interface);
  link_count_ = std::max<std::size_t>(link_count_, interface.index() + 1u);
}

void Engine::start(Interface& on, Instant now) {
  now_ = now;
  Link& link = *links_[on.index()];
  if (link.started || on.mtu() < wire::ipv6::kMinMtu) return;
  link.started = true;
  (void)groups_.join(wire::ipv6::kAllNodes, on.index());
  const IpAddress prefix = IpAddress::of(0xfe80, 0, 0, 0, 0, 0, 0, 0);
  (void)make_address(link, {stable_address(link, prefix, 0), 64}, Address::Origin::kLinkLocal, now);
}

void Engine::autoconfigure(Interface& on, Instant now) {
  start(on, now);
  Link& link = *links_[on.index()];
  link.autoconfigured = link.started;
  // Otherwise the first solicitation is sent as soon as there is a source address.
  if (link.started && !link_local(link).is_any()) link.solicit_at = now;
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

[[clang::minsize]] IpAddress Engine::source_on(const Interface& on, const IpAddress& remote) const {
  const Address* const own = select_source(addresses(), remote, on.index(), now_);
  return own == nullptr || own->interface != on.index() ? IpAddress() : own->address();
}

IpAddress Engine::link_local(const Link& link) const {
  for (const Address& each : addresses()) {
    if (each.usable() && each.interface == link.interface->index() &&
        each.address().is_link_local())
      return each.address();
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
        now,
        [&](const IpAddress& address, const MacAddress* mac) { solicit(link, address, mac, now); },
        [&](const IpAddress& address, std::span<PacketBuf> packets) {
          neighbour_failed(link, address, packets, now);
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
    [[clang::uninitialized]] const auto header = Header::parse_quoted(start.bytes());
    if (!header || !unicast) return;
    send_error(wire::icmp6::kTimeExceeded, wire::icmp6::kCodeReassembly, 0, *header,
               Slice(std::move(start)), now);
  });
  counters_[kReassemblyTimeout].value = reassembly_.timed_out();
  count_waited();
  // Handles only the loopback packets already queued: replies to them wait for the next turn.
  for (std::size_t left = Loopback::kMax; left != 0 && !loopback_.empty(); --left) {
    receive(nullptr, wire::ethernet::Type::kIpv6, LinkCast::kUnicast, loopback_.pop(), now);
  }
}

void Engine::count_waited() {
  std::uint64_t dropped = 0;
  for (const auto& link : std::span(links_).first(link_count_))
    dropped += link->neighbours.dropped();
  counters_[kWaitedInVain].value = dropped;
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

}  // namespace fata::ip::ipv6
