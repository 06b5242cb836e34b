// Group membership: IGMPv2 (RFC 2236), which version 3 queriers also accept.
#include "fata/ip/ipv4/engine.hpp"
#include "fata/wire/checksum.hpp"

namespace fata::ip::ipv4 {
namespace {
constexpr Ipv4Address kAllSystems = Ipv4Address::of(224, 0, 0, 1);
constexpr Ipv4Address kAllRouters = Ipv4Address::of(224, 0, 0, 2);
constexpr std::uint8_t kQuery = 0x11, kReport1 = 0x12, kReport2 = 0x16, kLeave = 0x17;
constexpr std::size_t kMessageSize = 8;
constexpr Duration kUnsolicitedInterval = seconds(10);
}  // namespace

bool Engine::join(const IpAddress& group, Interface& on, Instant now) {
  now_ = now;
  if (!group.is_v4() || !group.is_multicast()) return false;
  Groups::Group* const joined = groups_.join(group, on.index());
  if (joined == nullptr) return false;
  // Every host is a member of this group; it is never reported.
  if (joined->users != 1 || group.v4() == kAllSystems) return true;
  groups_.plan(*joined, kUnsolicitedInterval, now, random_);
  send_igmp(*links_[on.index()], kReport2, group.v4(), group.v4());
  return true;
}

void Engine::leave(const IpAddress& group, Interface& on, Instant now) {
  now_ = now;
  if (!groups_.leave(group, on.index()) || group.v4() == kAllSystems) return;
  send_igmp(*links_[on.index()], kLeave, group.v4(), kAllRouters);
}

void Engine::receive_igmp(std::uint8_t interface, Ipv4Address to, Bytes message, Instant now) {
  if (message.size() < kMessageSize || wire::checksum(message) != 0) return count_up(kBadIgmp);
  const auto type = static_cast<std::uint8_t>(message[0]);
  const Ipv4Address group{load_be<std::uint32_t>(message.subspan(4))};
  // RFC 2236 section 9: a report is sent to the group that it reports.
  if ((type == kReport1 || type == kReport2) && group != to) return count_up(kBadIgmp);
  if (type == kReport1 || type == kReport2) return groups_.reported_by_other(group, interface);
  if (type != kQuery) return;
  // In tenths of a second. Version 1 sends 0, which means 10 s; version 3 uses another encoding
  // from 128 on (RFC 3376 section 4.1.1).
  std::uint32_t tenths = static_cast<std::uint32_t>(message[1]);
  if (tenths == 0) tenths = 100;
  if (tenths >= 128 && message.size() > kMessageSize)
    tenths = ((tenths & 15) | 16) << ((tenths >> 4 & 7) + 3);
  groups_.asked(group.is_any() ? IpAddress() : IpAddress(group), interface,
                milliseconds(tenths * 100), now, random_);
}

void Engine::report_groups(Instant now) {
  groups_.tick(now, kUnsolicitedInterval, random_, [&](const Groups::Group& group) {
    if (group.group.v4() == kAllSystems) return;
    send_igmp(*links_[group.interface], kReport2, group.group.v4(), group.group.v4());
  });
}

void Engine::send_igmp(Link& link, std::uint8_t type, Ipv4Address group, Ipv4Address to) {
  PacketBuf packet = link.interface->allocate(kHeadroom);
  if (!packet) return;
  ByteWriter out(packet.append(kMessageSize));
  out.u8(type);
  out.u8(0);
  out.u16(0);
  out.u32(group.value);
  out.patch_u16(2, wire::checksum(out.written()));
  const Address* const own = address_on(link.interface->index(), to);
  Header header;
  header.source = own == nullptr ? Ipv4Address{} : own->cidr.address;
  header.destination = to;
  header.protocol = protocol::kIgmp;
  header.ttl = 1;
  header.tos = 0xc0;  // internetwork control
  header.total_length = kHeaderSize + 4 + kMessageSize;
  // Four bytes of options: the router alert (RFC 2113).
  store_be(packet.prepend(4), std::uint32_t{0x94040000});
  const MutableBytes at = packet.prepend(kHeaderSize);
  header.write(at);
  at[0] = std::byte{0x46};
  store_be(at.subspan(10), std::uint16_t{0});
  store_be(at.subspan(10), wire::checksum(packet.bytes().first(kHeaderSize + 4)));
  count_up(kReportsSent);
  output({&link, header.source, to, Cast::kMulticast}, std::move(packet), now_);
}

}  // namespace fata::ip::ipv4
