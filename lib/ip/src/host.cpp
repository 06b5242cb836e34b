#include "fata/ip/host.hpp"

#include <algorithm>

namespace fata::ip {

[[clang::minsize]] Interface* Host::add_interface(const LinkConfig& config, PacketSink& sink,
                                                  Instant now) {
  if (interface_count_ == Interface::kMax) return nullptr;
  auto& made = interfaces_[interface_count_];
  made = std::make_unique<Interface>(config, sink, static_cast<std::uint8_t>(interface_count_++));
  if (v4_ != nullptr) v4_->add_interface(*made, now);
  if (v6_ != nullptr) v6_->add_interface(*made, now);
  return made.get();
}

[[clang::minsize]] void Host::attach(std::uint8_t protocol, Transport& transport) {
  if (v4_ != nullptr) v4_->attach(protocol, transport);
  if (v6_ != nullptr) v6_->attach(protocol, transport);
  transports_[transport_count_++] = &transport;
}

[[clang::minsize]] void Host::detach(const Transport& transport) {
  if (v4_ != nullptr) v4_->detach(transport);
  if (v6_ != nullptr) v6_->detach(transport);
  std::size_t kept = 0;
  for (Transport* const each : std::span(transports_).first(transport_count_)) {
    if (each != &transport) transports_[kept++] = each;
  }
  transport_count_ = kept;
}

void Host::receive(Interface& from, sig::RxFrame&& frame, Instant now) {
  const auto accepted = from.accept(frame.frame);
  if (!accepted) return;
  Protocol* const engine = accepted->type == wire::ethernet::Type::kIpv6 ? v6_ : v4_;
  if (engine == nullptr) return from.count_unknown_type();
  engine->receive(&from, accepted->type, accepted->cast, std::move(frame), now);
}

void Host::end_of_batch(Instant now) {
  for (Transport* transport : std::span(transports_).first(transport_count_))
    transport->end_of_batch(now);
}

Instant Host::next_deadline() const {
  Instant next = Instant::never();
  if (v4_ != nullptr) next = std::min(next, v4_->next_deadline());
  if (v6_ != nullptr) next = std::min(next, v6_->next_deadline());
  for (const Transport* transport : std::span(transports_).first(transport_count_)) {
    next = std::min(next, transport->next_deadline());
  }
  return next;
}

[[clang::minsize]] void Host::tick(Instant now) {
  if (v4_ != nullptr && v4_->next_deadline() <= now) v4_->tick(now);
  if (v6_ != nullptr && v6_->next_deadline() <= now) v6_->tick(now);
  for (Transport* transport : std::span(transports_).first(transport_count_)) {
    if (transport->next_deadline() <= now) transport->tick(now);
  }
}

[[clang::minsize]] void Host::renew(const SipKey& secret, Instant now) {
  for (Transport* transport : std::span(transports_).first(transport_count_))
    transport->renew(secret);
  if (v4_ != nullptr) v4_->renew(secret, now);
  if (v6_ != nullptr) v6_->renew(secret, now);
}

bool Host::is_ours(const IpAddress& address) const {
  const Protocol* const engine = this->engine(address);
  return engine != nullptr && engine->is_ours(address);
}

[[clang::minsize]] std::uint64_t Host::count(std::string_view name) const {
  std::uint64_t sum = 0;
  const auto add = [&](std::span<const Counter> counters) {
    for (const Counter& counter : counters) sum += counter.name == name ? counter.value : 0;
  };
  for (std::size_t i = 0; i < interface_count_; ++i) add(interfaces_[i]->counters());
  if (v4_ != nullptr) add(v4_->counters());
  if (v6_ != nullptr) add(v6_->counters());
  for (const Transport* transport : std::span(transports_).first(transport_count_))
    add(transport->counters());
  return sum;
}

std::optional<Path> Host::path(const IpAddress& remote, const IpAddress& local) {
  Protocol* const engine = this->engine(remote);
  return engine == nullptr ? std::nullopt : engine->path(remote, local);
}

std::size_t Host::reserve(std::uint8_t link, std::size_t count) {
  return link < interface_count_ ? interfaces_[link]->reserve(count) : count;
}

void Host::send(PacketBuf packet, const IpAddress& local, const IpAddress& remote,
                std::uint8_t protocol, Marks marks, bool fragment, Instant now) {
  if (Protocol* const engine = this->engine(remote)) {
    engine->send(std::move(packet), local, remote, protocol, marks, fragment, now);
  }
}

void Host::send_along(const Path& path, PacketBuf packet, const IpAddress& remote,
                      std::uint8_t protocol, Marks marks, bool fragment, Instant now) {
  engine(remote)->send_along(path, std::move(packet), remote, protocol, marks, fragment, now);
}

void Host::lower_path_mtu(const IpAddress& remote, std::size_t mtu, Instant now) {
  if (Protocol* const engine = this->engine(remote)) engine->lower_path_mtu(remote, mtu, now);
}

void Host::confirm_reachable(const IpAddress& remote, Instant now) {
  if (Protocol* const engine = this->engine(remote)) engine->confirm_reachable(remote, now);
}

void Host::doubt_reachable(const IpAddress& remote, Instant now) {
  if (Protocol* const engine = this->engine(remote)) engine->doubt_reachable(remote, now);
}

[[clang::minsize]] std::optional<Path> Host::path_on(std::uint8_t link, const IpAddress& remote,
                                                     const IpAddress& local) {
  Protocol* const engine = this->engine(remote);
  if (engine == nullptr || link >= interface_count_) return std::nullopt;
  const IpAddress source = local.is_any() ? engine->source_on(*interfaces_[link], remote) : local;
  if (source.is_any()) return std::nullopt;
  [[clang::uninitialized]] auto path = engine->path(remote, source);
  if (path && path->link != link) return std::nullopt;
  return path;
}

[[clang::minsize]] std::uint8_t Host::link_of(const IpAddress& group, const IpAddress& local) {
  if (interface_count_ == 1 || local.is_any()) return 0;
  [[clang::uninitialized]] const auto path = this->path(group, local);
  return path && path->link < interface_count_ ? path->link : 0;
}

[[clang::minsize]] std::uint8_t Host::join_group(const IpAddress& group, std::uint8_t link,
                                                 const IpAddress& local, Instant now) {
  Protocol* const engine = this->engine(group);
  if (link == kNoLink) link = link_of(group, local);
  if (engine == nullptr || link >= interface_count_) return kNoLink;
  return engine->join(group, *interfaces_[link], now) ? link : kNoLink;
}

[[clang::minsize]] void Host::leave_group(const IpAddress& group, std::uint8_t link, Instant now) {
  if (Protocol* const engine = this->engine(group)) engine->leave(group, *interfaces_[link], now);
}

std::size_t Host::max_payload() const { return interfaces_[0]->mtu() - (v6_ == nullptr ? 20 : 40); }

}  // namespace fata::ip
