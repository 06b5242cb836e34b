#include "fata/ip/ipv6/engine.hpp"
#include "fata/wire/checksum.hpp"

namespace fata::ip::ipv6 {

std::optional<Engine::NextHop> Engine::route(const IpAddress& to, const IpAddress& local) {
  const Address* source = nullptr;
  if (!local.is_any()) {
    source = find(local);
    if (source == nullptr && !local.is_loopback()) return std::nullopt;
  }
  if (to.is_loopback() || is_ours(to)) return NextHop{nullptr, local.is_any() ? to : local, to};
  if (to.is_any() || to.is_v4() || local.is_loopback() || link_count_ == 0) return std::nullopt;

  NextHop next{nullptr, local, to};
  if (to.is_multicast() || to.is_link_local()) {
    // These destinations do not determine the link. Use the source's link, else a link with a
    // neighbour of that address, else the first.
    for (const auto& link : std::span(links_).first(link_count_)) {
      if (!link->started) continue;
      const bool meant = source != nullptr
                             ? source->interface == link->interface->index()
                             : link->neighbours.state(to, now_) != Neighbours::State::kFree;
      if (next.link == nullptr || meant) next.link = link.get();
      if (meant) break;
    }
    if (next.link == nullptr) return std::nullopt;
  } else {
    const auto hop = routers_.find(to, now_);
    if (!hop) return std::nullopt;
    next.link = links_[hop->interface].get();
    next.address = hop->address;
  }
  if (local.is_any()) {
    source = select_source(addresses(), to, next.link->interface->index(), now_);
    if (source == nullptr) return std::nullopt;
    next.source = source->address();
  }
  return next;
}

std::optional<Path> Engine::path(const IpAddress& remote, const IpAddress& local) {
  [[clang::uninitialized]] const auto next = route(remote, local.is_any() ? IpAddress() : local);
  if (!next) return std::nullopt;
  Path path;
  path.source = next->source;
  if (next->link == nullptr) {
    path.mtu = path.link_mtu = link_count_ == 0 ? 1500 : links_[0]->interface->mtu();
    path.checksum = path.local = true;
    return path;
  }
  path.link_mtu = next->link->packet_max();
  path.mtu = paths_.limit(remote, path.link_mtu, now_);
  next->link->interface->describe_offloads(path, Offload::Gso::kTcpV6);
  path.local = next->address == remote;
  path.next_hop = next->address;
  path.link = next->link->interface->index();
  return path;
}

PacketBuf Engine::allocate() {
  return link_count_ == 0 ? PacketBuf() : links_[0]->interface->allocate(kHeadroom);
}

void Engine::send(PacketBuf packet, const IpAddress& local, const IpAddress& remote,
                  std::uint8_t protocol, Marks marks, bool fragment, Instant now) {
  now_ = now;
  [[clang::uninitialized]] const auto next = route(remote, local.is_any() ? IpAddress() : local);
  if (!next) return count_up(kNoRoute);
  send_to(*next, std::move(packet), remote, protocol, marks, fragment, now);
}

void Engine::send_along(const Path& path, PacketBuf packet, const IpAddress& remote,
                        std::uint8_t protocol, Marks marks, bool fragment, Instant now) {
  now_ = now;
  const bool inside = path.link == kNoLink;
  const NextHop next{inside ? nullptr : links_[path.link].get(), path.source, path.next_hop};
  send_to(next, std::move(packet), remote, protocol, marks, fragment, now);
}

void Engine::send_to(const NextHop& next, PacketBuf&& packet, const IpAddress& remote,
                     std::uint8_t protocol, Marks marks, bool fragment, Instant now) {
  const std::size_t payload = packet.total_size();
  const bool cut_by_device = packet.offload().gso != Offload::Gso::kNone;
  const std::size_t link = next.link == nullptr ? 65535 : next.link->packet_max();
  const std::size_t mtu = cut_by_device      ? 65535
                          : marks.path_probe ? link
                                             : paths_.limit(remote, link, now);
  const bool too_long = payload + kHeaderSize > mtu;
  if (payload > 65535 - wire::ipv6::kFragmentHeaderSize || (too_long && !fragment))
    return count_up(kTooLong);

  Header header;
  header.source = next.source;
  header.destination = remote;
  header.traffic_class = marks.traffic_class();
  header.next_header = protocol;
  header.hop_limit = marks.hop_limit != 0    ? marks.hop_limit
                     : remote.is_multicast() ? 1
                     : next.link == nullptr  ? 64
                                             : next.link->hop_limit;
  if (too_long) [[unlikely]] {
    wire::finish_checksum(packet);
    return send_long(next, header, std::move(packet), now);
  }
  header.payload_length = static_cast<std::uint16_t>(payload);
  header.write(prepend_header(packet, kHeaderSize));
  output(next, std::move(packet), now);
}

void Engine::output(const NextHop& next, PacketBuf packet, Instant now) {
  if (next.link == nullptr) {
    if (loopback_.full()) return count_up(kLoopFull);
    return loopback_.push(std::move(packet));
  }
  Link& link = *next.link;
  if (next.address.is_multicast())
    return link.interface->send(std::move(packet), wire::ipv6::group_mac(next.address),
                                wire::ethernet::Type::kIpv6);
  const Neighbours::Lookup found = link.neighbours.lookup(next.address, packet, now);
  if (found.known)
    return link.interface->send(std::move(packet), found.mac, wire::ethernet::Type::kIpv6);
  if (found.solicit) solicit(link, next.address, nullptr, now);
}

void Engine::lower_path_mtu(const IpAddress& remote, std::size_t mtu, Instant now) {
  paths_.lower(remote, std::max(mtu, wire::ipv6::kMinMtu), now);
}

void Engine::confirm_reachable(const IpAddress& remote, Instant now) {
  now_ = now;
  [[clang::uninitialized]] const auto next = route(remote, {});
  if (next && next->link != nullptr) next->link->neighbours.confirm(next->address, now);
}

}  // namespace fata::ip::ipv6
