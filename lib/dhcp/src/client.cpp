#include "fata/dhcp/client.hpp"

#include <algorithm>

namespace fata::dhcp {

namespace {
constexpr Ipv4Address kEverybody{0xffffffff};
// Requests to one server, 60 s in all, before the search starts again.
constexpr unsigned kRequests = 4;
// Unanswered requests until kNoAnswer, which comes with the fourth request after about 28 s.
constexpr unsigned kComplainAfter = 3;
// Some servers can reach an unassigned address by broadcast but not by unicast.
constexpr unsigned kBroadcastAfter = 2;
constexpr Duration kAfterConflict = seconds(10);  // RFC 2131 section 3.1 (5)
constexpr std::uint32_t kForever = 0xffffffff;

// The names of Client::Count, in its order.
constexpr std::array<Counter, Client::kCounts> kCounters{{{"dhcp_sent"},
                                                          {"dhcp_received"},
                                                          {"dhcp_bad_header"},
                                                          {"dhcp_bad_options"},
                                                          {"dhcp_other_client"},
                                                          {"dhcp_other_exchange"},
                                                          {"dhcp_other_server"},
                                                          {"dhcp_unexpected"},
                                                          {"dhcp_bad_address"},
                                                          {"dhcp_bad_time"},
                                                          {"dhcp_naks"},
                                                          {"dhcp_conflicts"}}};

// The prefix of the address's class, for replies without a mask.
std::uint8_t class_prefix(Ipv4Address address) {
  return address.value >> 31 == 0 ? 8 : address.value >> 30 == 2 ? 16 : 24;
}
}  // namespace

Client::Client(const Config& config, const SipKey& secret, Outside& outside)
    : config_(config), random_(secret), outside_(&outside), counters_(kCounters) {}

void Client::start(Instant now) { search(now); }

void Client::search(Instant at) {
  enter(State::kInit);
  next_at_ = at;
}

// RFC 2131 section 4.1: 4, 8, 16, 32, 64 seconds, each plus or minus up to a second.
Duration Client::back_off() {
  const Duration base = seconds(std::int64_t{4} << std::min(tries_ - 1, 4U));
  return base - seconds(1) + random_.up_to(seconds(2));
}

Duration Client::half(Instant now, Instant until) {
  return std::max((until - now) / 2, seconds(60));
}

void Client::transmit(Request& message, Ipv4Address from, Ipv4Address to, Instant now) {
  message.xid = xid_;
  message.mac = config_.mac;
  message.largest = config_.largest;
  message.host_name = config_.host_name;
  message.seconds = seconds_;
  std::array<std::byte, Request::kMax> bytes;
  const std::size_t size = message.write(bytes);
  count_up(kSent);
  outside_->send(Bytes(bytes).first(size), from, to, now);
}

void Client::discover(Instant now) {
  ++tries_;
  seconds_ = static_cast<std::uint16_t>(std::min<std::int64_t>((now - began_).s(), 65535));
  next_at_ = now + back_off();
  Request message{.kind = Kind::kDiscover, .broadcast = tries_ > kBroadcastAfter};
  transmit(message, {}, kEverybody, now);
  if (tries_ > kComplainAfter && !complained_) {
    complained_ = true;
    outside_->event(Event::kNoAnswer, lease_, now);
  }
}

void Client::request(Instant now) {
  ++tries_;
  next_at_ = now + back_off();
  Request message{.kind = Kind::kRequest,
                  .broadcast = tries_ > kBroadcastAfter,
                  .wanted = lease_.address.address,
                  .server = lease_.server};
  transmit(message, {}, kEverybody, now);
}

// Sends a request to the lease's server or, in REBINDING, to any server (RFC 2131 section 4.4.5).
void Client::renew(Instant now) {
  const bool any = state_ == State::kRebinding;
  const Instant until = any ? lease_.end : lease_.rebinding;
  next_at_ = std::min(until, now + half(now, until));
  Request message{.kind = Kind::kRequest, .address = lease_.address.address};
  transmit(message, lease_.address.address, any ? kEverybody : lease_.server, now);
}

// Sends a request without a server identifier, which any server responsible for the network answers
// (RFC 2131 section 4.3.2).
void Client::confirm(Instant now) {
  ++tries_;
  next_at_ = std::min(now + back_off(), lease_.end);
  Request message{.kind = Kind::kRequest,
                  .broadcast = tries_ > kBroadcastAfter,
                  .wanted = lease_.address.address};
  transmit(message, {}, kEverybody, now);
}

void Client::renew(const SipKey& secret, Instant now) {
  random_ = RandomSource(secret);
  if (state_ == State::kSelecting || state_ == State::kRequesting) return search(now);
  if (!has_address()) return;
  if (lease_.end <= now) return lose(now, now);
  enter(State::kRebooting);
  xid_ = static_cast<std::uint32_t>(random_.next());
  requested_at_ = now;
  seconds_ = 0;
  confirm(now);
}

void Client::lose(Instant search_at, Instant now) {
  const bool had = has_address() || state_ == State::kChecking;
  search(search_at);
  if (had) outside_->event(Event::kLost, lease_, now);
}

void Client::tick(Instant now) {
  if (now < next_at_) return;
  switch (state_) {
    case State::kIdle:
    case State::kChecking:
      next_at_ = Instant::never();
      return;
    case State::kInit:
      enter(State::kSelecting);
      xid_ = static_cast<std::uint32_t>(random_.next());
      began_ = now;
      return discover(now);
    case State::kSelecting:
      return discover(now);
    case State::kRequesting:
      if (tries_ == kRequests) return search(now);
      return request(now);
    case State::kRebooting:
      if (now >= lease_.end) return lose(now, now);
      if (tries_ != kRequests) return confirm(now);
      enter(State::kBound);
      next_at_ = std::max(lease_.renewal, now);
      return;
    case State::kBound:
      enter(State::kRenewing);
      xid_ = static_cast<std::uint32_t>(random_.next());
      requested_at_ = now;
      seconds_ = 0;
      [[fallthrough]];
    case State::kRenewing:
      if (now < lease_.rebinding) return renew(now);
      enter(State::kRebinding);
      [[fallthrough]];
    case State::kRebinding:
      if (now >= lease_.end) return lose(now, now);
      return renew(now);
  }
}

bool Client::plausible(const Reply& reply) {
  const Ipv4Address address = reply.address;
  if (address.value >> 24 == 0 || address.is_loopback() || address.value >> 28 >= 0xe) return false;
  const Ipv4Cidr cidr{address, reply.prefix.value_or(class_prefix(address))};
  return cidr.prefix >= 31 || ((address.value & ~cidr.mask()) != 0 && cidr.broadcast() != address);
}

// Sets the lease's times, which count from requested_at_. False if the lease is too short.
bool Client::read_times(const Reply& reply, Lease& lease) const {
  if (!reply.lease || *reply.lease < kShortest) return false;
  const std::uint32_t length = lease.seconds = *reply.lease;
  if (length == kForever) {
    lease.renewal = lease.rebinding = lease.end = Instant::never();
    return true;
  }
  std::uint32_t rebinding = reply.rebinding.value_or(length / 8 * 7);
  if (rebinding >= length || rebinding < 2) rebinding = length / 8 * 7;
  std::uint32_t renewal = reply.renewal.value_or(length / 2);
  if (renewal >= rebinding || renewal == 0)
    renewal = length / 2 < rebinding ? length / 2 : rebinding / 2;
  lease.renewal = requested_at_ + seconds(renewal);
  lease.rebinding = requested_at_ + seconds(rebinding);
  lease.end = requested_at_ + seconds(length);
  return true;
}

void Client::receive(Bytes message, Instant now) {
  count_up(kReceived);
  const auto reply = Reply::parse(message, config_.mac);
  if (!reply) return count_up(reply.error() == Malformed::kHeader ? kBadHeader : kBadOptions);
  if (!reply->for_us) return count_up(kOtherClient);
  const bool selecting = state_ == State::kSelecting;
  const bool any_server = state_ == State::kRebinding || state_ == State::kRebooting;
  const bool asking = any_server || state_ == State::kRequesting || state_ == State::kRenewing;
  if (!selecting && !asking) return count_up(kUnexpected);
  if (reply->xid != xid_) return count_up(kOtherExchange);
  if (!reply->server) return count_up(kOtherServer);
  if (selecting) {
    if (reply->kind != Kind::kOffer) return count_up(kUnexpected);
    if (!plausible(*reply)) return count_up(kBadAddress);
    if (reply->lease && *reply->lease < kShortest) return count_up(kBadTime);
    // Accept the first valid offer.
    lease_ = {};
    lease_.address.address = reply->address;
    lease_.server = *reply->server;
    enter(State::kRequesting);
    requested_at_ = now;
    return request(now);
  }
  if (!any_server && *reply->server != lease_.server) return count_up(kOtherServer);
  if (reply->kind == Kind::kNak) {
    count_up(kNaks);
    // The search restarts at once the first time, then after growing pauses.
    const Duration pause =
        refusals_ == 0 ? Duration{} : seconds(std::int64_t{1} << std::min(refusals_, 6U));
    ++refusals_;
    return lose(now + pause, now);
  }
  if (reply->kind != Kind::kAck) return count_up(kUnexpected);
  if (!plausible(*reply)) return count_up(kBadAddress);
  take_acknowledged(*reply, now);
}

void Client::take_acknowledged(const Reply& reply, Instant now) {
  const Ipv4Cidr address{reply.address, reply.prefix.value_or(class_prefix(reply.address))};
  // A reply to an old request may grant less time than has passed since.
  Lease times;
  if (!read_times(reply, times) || times.end <= now) return count_up(kBadTime);
  const bool had = has_address();
  const bool changed = had && address != lease_.address;
  // The event reports the old lease's values.
  if (changed) outside_->event(Event::kLost, lease_, now);
  lease_.seconds = times.seconds;
  lease_.renewal = times.renewal;
  lease_.rebinding = times.rebinding;
  lease_.end = times.end;
  lease_.address = address;
  lease_.server = *reply.server;
  lease_.routes = reply.routes;
  lease_.name_servers = reply.name_servers;
  lease_.time_servers = reply.time_servers;
  lease_.domain = reply.domain;
  lease_.search = reply.search;
  lease_.host_name = reply.host_name;
  lease_.mtu = reply.mtu.value_or(0);
  if (had && !changed) {
    enter(State::kBound);
    next_at_ = lease_.renewal;
    return outside_->event(Event::kRenewed, lease_, now);
  }
  enter(State::kChecking);
  next_at_ = Instant::never();
  outside_->event(Event::kCheck, lease_, now);
}

void Client::address_ready(Instant now) {
  if (state_ != State::kChecking) return;
  enter(State::kBound);
  next_at_ = lease_.renewal;
  refusals_ = 0;
  complained_ = false;
  outside_->event(Event::kBound, lease_, now);
}

void Client::address_taken(Instant now) {
  if (!has_address() && state_ != State::kChecking) return;
  count_up(kConflicts);
  Request message{
      .kind = Kind::kDecline, .wanted = lease_.address.address, .server = lease_.server};
  seconds_ = 0;
  xid_ = static_cast<std::uint32_t>(random_.next());
  transmit(message, {}, kEverybody, now);
  lose(now + kAfterConflict, now);
}

void Client::release(Instant now) {
  const bool had = has_address();
  enter(State::kIdle);
  next_at_ = Instant::never();
  if (!had) return;
  Request message{
      .kind = Kind::kRelease, .address = lease_.address.address, .server = lease_.server};
  seconds_ = 0;
  xid_ = static_cast<std::uint32_t>(random_.next());
  transmit(message, lease_.address.address, lease_.server, now);
  outside_->event(Event::kLost, lease_, now);
}

}  // namespace fata::dhcp
