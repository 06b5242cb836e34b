#include "fata/ip/ipv4/engine.hpp"

namespace fata::ip::ipv4 {

namespace {
// Names of Engine::Count, in the same order.
constexpr std::array<Counter, Engine::kCounts> kCounters{
    {{"not_for_us"},       {"bad_arp"},           {"bad_ip"},
     {"ip_checksum"},      {"bad_fragment"},      {"fragment_overlap"},
     {"fragment_room"},    {"reassembled"},       {"reassembly_timeout"},
     {"fragments_sent"},   {"bad_address"},       {"unknown_protocol"},
     {"bad_icmp"},         {"bad_igmp"},          {"reports_sent"},
     {"echo_replies"},     {"arp_replies"},       {"arp_requests"},
     {"icmp_errors_sent"}, {"icmp_errors_heard"}, {"icmp_errors_refused"},
     {"delivered"},        {"no_route"},          {"too_long"},
     {"loop_full"},        {"address_conflicts"}, {"waited_in_vain"},
     {"no_memory"}}};
// Different from IPv6's purposes, because both engines may have the same secret.
constexpr std::uint64_t kRandomPurpose = 0x7634, kFragmentPurpose = 0x69643476;
}  // namespace

Engine::Engine(const Config& config)
    : random_(config.secret, kRandomPurpose),
      fragment_ids_(config.secret, kFragmentPurpose),
      errors_(config.icmp_errors_per_second, 10),
      counters_(kCounters) {}

void Engine::renew(const SipKey& secret, Instant now) {
  now_ = now;
  random_ = RandomSource(secret, kRandomPurpose);
  fragment_ids_ = FragmentIds(secret, kFragmentPurpose);
  announce_again(now);
  for (const auto& link : std::span(links_).first(link_count_))
    groups_.asked({}, link->interface->index(), seconds(1), now, random_);
}

void Engine::add_interface(Interface& interface, Instant now) {
  links_[interface.index()] = std::make_unique<Link>(interface);
  link_count_ = std::max<std::size_t>(link_count_, interface.index() + 1u);
  (void)join(Ipv4Address::of(224, 0, 0, 1), interface, now);
}

const Engine::Address* Engine::address_on(std::uint8_t interface, Ipv4Address towards) const {
  const Address* first = nullptr;
  for (const Address& each : addresses()) {
    if (each.interface != interface || !each.used) continue;
    if (each.cidr.contains(towards)) return &each;
    if (first == nullptr) first = &each;
  }
  return first;
}

Instant Engine::next_deadline() const {
  Instant next = std::min(reassembly_.next_deadline(), groups_.next_deadline());
  for (const Address& each : addresses()) next = std::min(next, each.next_at);
  for (const auto& link : std::span(links_).first(link_count_))
    next = std::min(next, link->arp.next_deadline());
  return loopback_.empty() ? next : Instant{};
}

void Engine::tick(Instant now) {
  now_ = now;
  for (const auto& link : std::span(links_).first(link_count_)) {
    link->arp.tick(now, [&](Ipv4Address address) { ask(*link, MacAddress::broadcast(), address); });
  }
  age_addresses(now);
  report_groups(now);
  reassembly_.tick(now, [&](PacketBuf start, bool unicast) {
    const auto header = Header::parse_quoted(start.bytes());
    if (!header || !unicast) return;
    send_error(wire::icmp::kTimeExceeded, wire::icmp::kCodeReassembly, *header,
               Slice(std::move(start)), now);
  });
  counters_[kReassemblyTimeout].value = reassembly_.timed_out();
  count_waited();
  // Handles only the loopback packets already queued: replies to them wait for the next turn.
  for (std::size_t left = Loopback::kMax; left != 0 && !loopback_.empty(); --left) {
    receive_ip(nullptr, LinkCast::kUnicast, loopback_.pop(), now);
  }
}

void Engine::count_waited() {
  std::uint64_t dropped = 0;
  for (const auto& link : std::span(links_).first(link_count_)) dropped += link->arp.dropped();
  counters_[kWaitedInVain].value = dropped;
}

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

}  // namespace fata::ip::ipv4
