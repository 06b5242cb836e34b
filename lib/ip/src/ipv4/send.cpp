#include "fata/ip/ipv4/engine.hpp"
#include "fata/wire/checksum.hpp"

namespace fata::ip::ipv4 {

std::optional<Engine::NextHop> Engine::route(Ipv4Address to, Ipv4Address local) {
  if (!local.is_any() && !is_ours(local) && !local.is_loopback()) return std::nullopt;
  if (to.is_loopback() || is_ours(to))
    return NextHop{nullptr, local.is_any() ? to : local, to, Cast::kLoopback};
  // RFC 1122 section 3.2.1.3: packets for "this network" and loopback never leave a host.
  if (to.value >> 24 == 0 || local.is_loopback() || link_count_ == 0) return std::nullopt;

  const Route* const found = routes_.find(to);
  NextHop next{nullptr, local, to, Cast::kLink};
  if (to.is_limited_broadcast() || to.is_multicast()) {
    // Use the interface of the source address, else the route's, else the first.
    std::uint8_t interface = found != nullptr ? found->interface : 0;
    for (const Address& each : addresses()) {
      if (each.cidr.address == local) interface = each.interface;
    }
    next.link = links_[interface].get();
    next.cast = to.is_multicast() ? Cast::kMulticast : Cast::kBroadcast;
  } else {
    if (found == nullptr) return std::nullopt;
    next.link = links_[found->interface].get();
    if (!found->gateway.is_any()) next.address = found->gateway;
    if (is_broadcast(to, next.link->interface)) next.cast = Cast::kBroadcast;
  }
  if (local.is_any()) {
    const Address* const source = address_on(next.link->interface->index(), next.address);
    if (source == nullptr) return std::nullopt;
    next.source = source->cidr.address;
  }
  return next;
}

std::optional<Path> Engine::path(const IpAddress& remote, const IpAddress& local) {
  [[clang::uninitialized]] const auto next =
      route(remote.v4(), local.is_any() ? Ipv4Address{} : local.v4());
  if (!next) return std::nullopt;
  Path path;
  path.source = next->source;
  if (next->cast == Cast::kLoopback) {
    path.mtu = path.link_mtu = link_count_ == 0 ? 1500 : links_[0]->interface->mtu();
    path.checksum = path.local = true;
    return path;
  }
  const Interface& interface = *next->link->interface;
  path.link_mtu = interface.mtu();
  path.mtu = paths_.limit(remote, path.link_mtu, now_);
  interface.describe_offloads(path, Offload::Gso::kTcpV4);
  // A segmenting device chooses the identifications itself, which is allowed only with DF (RFC 6864
  // section 4).
  if (path.mtu <= kMinPathMtuV4) path.gso_max = 0;
  path.local = next->address == remote.v4();
  path.next_hop = IpAddress(next->address);
  path.broadcast = next->cast == Cast::kBroadcast;
  path.link = interface.index();
  return path;
}

PacketBuf Engine::allocate() {
  return link_count_ == 0 ? PacketBuf() : links_[0]->interface->allocate(kHeadroom);
}

void Engine::send(PacketBuf packet, const IpAddress& local, const IpAddress& remote,
                  std::uint8_t protocol, Marks marks, bool fragment, Instant now) {
  now_ = now;
  [[clang::uninitialized]] const auto next =
      route(remote.v4(), local.is_any() ? Ipv4Address{} : local.v4());
  if (!next) return count_up(kNoRoute);
  send_to(*next, std::move(packet), remote, protocol, marks, fragment, now);
}

void Engine::send_along(const Path& path, PacketBuf packet, const IpAddress& remote,
                        std::uint8_t protocol, Marks marks, bool fragment, Instant now) {
  now_ = now;
  NextHop next{nullptr, path.source.v4(), remote.v4(), Cast::kLoopback};
  if (path.link != kNoLink) [[likely]] {
    next.link = links_[path.link].get();
    next.address = path.next_hop.v4();
    next.cast = path.broadcast                ? Cast::kBroadcast
                : next.address.is_multicast() ? Cast::kMulticast
                                              : Cast::kLink;
  }
  send_to(next, std::move(packet), remote, protocol, marks, fragment, now);
}

void Engine::send_to(const NextHop& next, PacketBuf&& packet, const IpAddress& remote,
                     std::uint8_t protocol, Marks marks, bool fragment, Instant now) {
  const std::size_t total = packet.total_size() + kHeaderSize;
  const bool cut_by_device = packet.offload().gso != Offload::Gso::kNone;
  const std::size_t link = next.link == nullptr ? 65535 : next.link->interface->mtu();
  const std::size_t mtu = cut_by_device      ? 65535
                          : marks.path_probe ? link
                                             : paths_.limit(remote, link, now);
  if (total > mtu) [[unlikely]] {
    // A segment of only headers and SACK blocks may exceed a tiny link MTU. On such a link, a
    // packet of the size that every host accepts (RFC 791) is fragmented.
    const bool tiny = mtu < kMaxAccepted && total <= kMaxAccepted;
    if (total > 65535 || (!fragment && !tiny)) return count_up(kTooLong);
  }

  Header header;
  header.source = next.source;
  header.destination = remote.v4();
  header.protocol = protocol;
  header.tos = marks.traffic_class();
  // The default TTL of multicast is 1 (RFC 1112 section 6.1).
  header.ttl = marks.hop_limit != 0 ? marks.hop_limit : next.cast == Cast::kMulticast ? 1 : 64;
  if (total > mtu) [[unlikely]] {
    wire::finish_checksum(packet);
    return send_long(next, header, std::move(packet), now);
  }
  header.total_length = static_cast<std::uint16_t>(total);
  header.dont_fragment = mtu > kMinPathMtuV4 && !marks.may_fragment;
  // With DF, the identification has no meaning and is 0 (RFC 6864): a counter would reveal how many
  // packets are sent.
  if (!header.dont_fragment) {
    header.identification = fragment_ids_.next_short();
    // A packet that waits for its neighbour's address may still be fragmented later, so complete
    // the checksum now.
    if (!marks.path_probe) wire::finish_checksum(packet);
  }
  header.write(prepend_header(packet, kHeaderSize));
  output(next, std::move(packet), now);
}

void Engine::output(const NextHop& next, PacketBuf packet, Instant now) {
  if (next.cast == Cast::kLink) [[likely]] {
    Link& link = *next.link;
    const arp::Cache::Lookup found = link.arp.lookup(next.address, packet, now);
    if (found.request) {
      ask(link, found.next == arp::Cache::Next::kSend ? found.mac : MacAddress::broadcast(),
          next.address);
    }
    if (found.next == arp::Cache::Next::kSend) {
      link.interface->send(std::move(packet), found.mac, wire::ethernet::Type::kIpv4);
    }
    return;
  }
  if (next.cast == Cast::kLoopback) {
    if (loopback_.full()) return count_up(kLoopFull);
    return loopback_.push(std::move(packet));
  }
  next.link->interface->send(std::move(packet), group_mac(next), wire::ethernet::Type::kIpv4);
}

MacAddress Engine::group_mac(const NextHop& next) {
  MacAddress to = MacAddress::broadcast();
  if (next.cast == Cast::kMulticast) {  // RFC 1112 section 6.4
    store_be(MutableBytes(to.octets),
             std::uint32_t{0x01005e00} | (next.address.value >> 16 & 0x7f));
    store_be(MutableBytes(to.octets).subspan(4), static_cast<std::uint16_t>(next.address.value));
  }
  return to;
}

void Engine::lower_path_mtu(const IpAddress& remote, std::size_t mtu, Instant now) {
  paths_.lower(remote, std::max(mtu, kMinPathMtuV4), now);
}

void Engine::doubt_reachable(const IpAddress& remote, Instant now) {
  [[clang::uninitialized]] const auto next = route(remote.v4(), {});
  if (next && next->link != nullptr) next->link->arp.doubt(next->address, now);
}

}  // namespace fata::ip::ipv4
