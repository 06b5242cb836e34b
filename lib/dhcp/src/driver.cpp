#include "fata/dhcp/driver.hpp"

#include "fata/wire/udp.hpp"

namespace fata::dhcp {

namespace {
constexpr std::size_t kMinMtu = 576;  // a smaller MTU is a configuration error
constexpr std::size_t kMinMtuV6 = 1280;

Config config_of(const ip::Interface& on, const Options& options) {
  return {.mac = on.mac(),
          .largest = static_cast<std::uint16_t>(std::clamp<std::size_t>(on.mtu(), kMinMtu, 1500)),
          .host_name = options.host_name.text};
}

std::string_view name_of(Client::State state) {
  constexpr std::array<std::string_view, 9> kNames{"idle",       "searching", "searching",
                                                   "requesting", "checking",  "bound",
                                                   "renewing",   "rebinding", "rebooting"};
  return kNames[static_cast<std::size_t>(state)];
}
}  // namespace

Driver::Driver(const Ports& ports, ip::Interface& on, const SipKey& secret, const Options& options,
               Driver* first)
    : host_(ports.host),
      udp_(ports.udp),
      v4_(ports.v4),
      stack_(ports.stack),
      log_(ports.log),
      on_(&on),
      link_mtu_(on.mtu()),
      probe_(options.probe),
      first_(first == nullptr ? this : first),
      client_(config_of(on, options), secret, *this) {
  if (first == nullptr) {
    check(udp_->bind(*this, {{}, kClientPort}).has_value(), "the DHCP port is in use");
    v4_->watch(this);
  } else {
    next_ = std::exchange(first->next_, this);
  }
  v4_->take_any_address(on, true);
  stack_->loop().on_restore(*this);
  const Instant now = stack_->now();
  client_.start(now);
  arm(now);
}

Driver::~Driver() {
  client_.release(stack_->now());
  if (first_ == this) {
    v4_->watch(nullptr);
  } else {
    Driver** at = &first_->next_;
    while (*at != this) at = &(*at)->next_;
    *at = next_;
  }
  stack_->flush();
}

async::Task<void> Driver::wait(async::Wait wait) {
  while (!settled_) {
    const auto woken = co_await waiters_.wait(wait);
    if (!woken) co_return;
  }
}

void Driver::arm(Instant at) {
  if (at.is_never()) return disarm();
  stack_->loop().timers().arm(*this, at);
}

void Driver::deliver(sig::RxDatagram&& given, Instant now) {
  const sig::RxDatagram datagram = std::move(given);
  if (datagram.source.port != kServerPort) return;
  const Bytes message = datagram.payload.bytes();
  // Find the interface that the message is addressed to. The first interface counts messages for
  // none of them.
  Driver* meant = this;
  for (Driver* each = next_; each != nullptr; each = each->next_) {
    if (is_for(message, each->on_->mac())) meant = each;
  }
  meant->take(message, now);
}

void Driver::take(Bytes message, Instant now) {
  client_.receive(message, now);
  arm(heard_ ? now : client_.next_deadline());
}

void Driver::on_timer() noexcept {
  const Instant now = stack_->now();
  if (const auto heard = std::exchange(heard_, std::nullopt)) {
    if (*heard == ip::ipv4::AddressEvent::kReady) client_.address_ready(now);
    if (*heard == ip::ipv4::AddressEvent::kLost) client_.address_taken(now);
  }
  client_.tick(now);
  arm(heard_ ? now : client_.next_deadline());
  stack_->flush();
}

void Driver::renew(const SipKey& secret) {
  const Instant now = stack_->now();
  client_.renew(secret, now);
  arm(heard_ ? now : client_.next_deadline());
  stack_->flush();
}

void Driver::address_event(ip::Interface& on, Ipv4Address address, ip::ipv4::AddressEvent what,
                           Instant now) {
  for (Driver* each = this; each != nullptr; each = each->next_) {
    if (each->on_ != &on || address != each->claimed_) continue;
    each->heard_ = what;
    each->arm(now);
  }
}

void Driver::write(TextWriter& line, Instant now) const {
  print(line, "dhcp on ", unsigned{on_->index()}, " ", name_of(client_.state()));
  if (!client_.has_address()) return;
  const Lease& lease = client_.lease();
  print(line, " ", lease.address, " from ", lease.server);
  if (lease.end.is_never()) {
    print(line, " without end");
  } else {
    print(line, " for ", std::max<std::int64_t>((lease.end - now).s(), 0), " of ", lease.seconds,
          " s");
  }
  for (const Ipv4Address& each : lease.name_servers.all()) print(line, " dns ", each);
  for (const Ipv4Address& each : lease.time_servers.all()) print(line, " ntp ", each);
  const auto put = [&](std::string_view what, std::span<const char> text) {
    if (text.empty()) return;
    line.put(what);
    for (const char c : text) line.put(c);
  };
  put(" domain ", lease.domain.all());
  put(" host ", lease.host_name.all());
  put(" search ", lease.search.all());
}

void Driver::send(Bytes message, Ipv4Address from, Ipv4Address to, Instant now) {
  PacketBuf packet = udp_->allocate();
  if (!packet || packet.tailroom() < message.size()) return;  // the client retransmits
  copy_bytes(packet.append(message.size()), message);
  if (!from.is_any()) {
    udp_->send({{to, kServerPort}, from, std::move(packet)}, *first_, now);
    return;
  }
  wire::udp::prepend_header(packet, kClientPort, kServerPort, from, to, false);
  v4_->send_unconfigured(*on_, std::move(packet), now);
}

void Driver::event(Event what, const Lease& lease, Instant now) {
  const Logger& log = *log_;
  switch (what) {
    case Event::kCheck:
      claimed_ = lease.address.address;
      check(v4_->add_address(
                *on_, lease.address, now,
                probe_ ? ip::ipv4::Engine::Claim::kProbe : ip::ipv4::Engine::Claim::kUnprobed),
            "no room for an address");
      return;
    case Event::kBound:
      v4_->take_any_address(*on_, false);
      apply(lease);
      if (lease.end.is_never()) {
        log.info("address ", lease.address, " from ", lease.server, ", lease without end");
      } else {
        log.info("address ", lease.address, " from ", lease.server, ", lease ", lease.seconds,
                 " s");
      }
      break;
    case Event::kRenewed:
      apply(lease);
      log.debug("lease renewed by ", lease.server, ", ", lease.seconds, " s");
      return;
    case Event::kLost:
      remove_routes();
      (void)v4_->remove_address(*on_, claimed_);
      heard_.reset();
      claimed_ = {};
      on_->set_mtu(link_mtu_);
      v4_->take_any_address(*on_, true);
      if (client_.state() != Client::State::kIdle) log.warning("address ", lease.address, " lost");
      return;
    case Event::kNoAnswer:
      log.warning("no DHCP server answers; the search goes on");
      break;
  }
  settled_ = true;
  waiters_.notify_all();
}

void Driver::apply(const Lease& lease) {
  if (lease.routes != routes_) {
    remove_routes();
    routes_ = lease.routes;
    for (const Route& each : routes_.all()) {
      v4_->routes().add({each.to, each.gateway, on_->index(), ip::ipv4::Route::Origin::kDhcp});
    }
  }
  const std::size_t least = host_->v6() == nullptr ? kMinMtu : kMinMtuV6;
  on_->set_mtu(lease.mtu < kMinMtu
                   ? link_mtu_
                   : std::min<std::size_t>(std::max<std::size_t>(lease.mtu, least), link_mtu_));
}

void Driver::remove_routes() {
  for (const Route& each : routes_.all()) {
    v4_->routes().remove(each.to, on_->index(), ip::ipv4::Route::Origin::kDhcp);
  }
  routes_.clear();
}

}  // namespace fata::dhcp
