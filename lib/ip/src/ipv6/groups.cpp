// Multicast listener discovery: version 2 reports (RFC 3810), or version 1 (RFC 2710) with an old
// querier.
#include "fata/ip/ipv6/engine.hpp"
#include "fata/wire/checksum.hpp"

namespace fata::ip::ipv6 {
namespace {
constexpr IpAddress kReportsGo = IpAddress::of(0xff02, 0, 0, 0, 0, 0, 0, 0x16);
// Every node is a member of the all-nodes group, and groups that do not leave the host are never
// queried (RFC 3810 section 6).
bool is_reported(const IpAddress& group) {
  return group != wire::ipv6::kAllNodes && scope_of(group) > 1;
}
}  // namespace

bool Engine::join(const IpAddress& group, Interface& on, Instant now) {
  now_ = now;
  Link& link = *links_[on.index()];
  if (!link.started || !group.is_multicast()) return false;
  Groups::Group* const joined = groups_.join(group, on.index());
  if (joined == nullptr) return false;
  if (joined->users != 1 || !is_reported(group)) return true;
  groups_.plan(*joined, seconds(1), now, random_);
  report(link, group, Report::kJoins, now);
  return true;
}

void Engine::leave(const IpAddress& group, Interface& on, Instant now) {
  now_ = now;
  if (groups_.leave(group, on.index()) && is_reported(group))
    report(*links_[on.index()], group, Report::kLeaves, now);
}

void Engine::receive_query(Link& link, const Header& header, Bytes message, Instant now) {
  // RFC 3810 section 5.1.14: queries that fail these checks are not from a router on the link.
  if (header.hop_limit != 1 || !header.source.is_link_local() || message.size() < 24)
    return count_up(kBadIcmp);
  std::array<std::byte, 16> octets{};
  copy_bytes(octets, message.subspan(8, 16));
  const IpAddress group(octets);
  if (message[0] == std::byte{wire::icmp6::kListenerReport}) {
    if (now < link.old_mld_until) groups_.reported_by_other(group, link.interface->index());
    return;
  }
  std::uint32_t most = load_be<std::uint16_t>(message.subspan(4));
  if (message.size() == 24) {
    link.old_mld_until = now + seconds(260);  // Older Version Querier Present Timeout, section 9.12
  } else if (most >= 32768) {
    most = ((most & 0xfff) | 0x1000) << ((most >> 12 & 7) + 3);
  }
  groups_.asked(group, link.interface->index(), milliseconds(most), now, random_);
}

void Engine::report(Link& link, const IpAddress& group, Report what, Instant now) {
  if (!is_reported(group)) return;
  const bool old = now < link.old_mld_until;
  PacketBuf packet = link.interface->allocate(wire::ethernet::kHeadroom + kHeaderSize + 8);
  if (!packet) return;
  IpAddress to = kReportsGo;
  ByteWriter out(packet.append(old ? 24 : 28));
  if (old) {
    to = what == Report::kLeaves ? wire::ipv6::kAllRouters : group;
    out.u8(what == Report::kLeaves ? wire::icmp6::kListenerDone : wire::icmp6::kListenerReport);
    out.u8(0);
    out.u16(0);
    out.u32(0);
  } else {
    out.u8(wire::icmp6::kListenerReport2);
    out.u8(0);
    out.u16(0);
    out.u32(1);  // one record
    // MODE_IS_EXCLUDE, CHANGE_TO_EXCLUDE_MODE and CHANGE_TO_INCLUDE_MODE, with no sources
    out.u8(what == Report::kListens ? 2 : what == Report::kJoins ? 4 : 3);
    out.u8(0);
    out.u16(0);
  }
  out.bytes(group.octets());

  Header header;
  header.source = link_local(link);
  header.destination = to;
  const MutableBytes message = packet.bytes();
  wire::ChecksumSum sum;
  sum.add_pseudo(header.source, to, protocol::kIcmpV6, message.size());
  sum.add(message);
  store_be(message.subspan(2), sum.finish());
  // Hop-by-hop options: the router alert (RFC 2711) and padding.
  ByteWriter options(prepend_header(packet, 8));
  options.u8(protocol::kIcmpV6);
  options.u8(0);
  options.u32(0x05020000);
  options.u16(0x0100);
  header.payload_length = static_cast<std::uint16_t>(packet.size());
  header.next_header = wire::ipv6::kHopByHop;
  header.hop_limit = 1;
  header.write(prepend_header(packet, kHeaderSize));
  count_up(kReportsSent);
  link.interface->send(std::move(packet), wire::ipv6::group_mac(to), wire::ethernet::Type::kIpv6);
}

}  // namespace fata::ip::ipv6
