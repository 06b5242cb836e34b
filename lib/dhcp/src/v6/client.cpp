#include "fata/dhcp/v6/client.hpp"

#include <algorithm>

namespace fata::dhcp::v6 {

namespace {
// Section 7.6. The maxima of Solicit and Information-request are those of options 82 and 83.
constexpr Timing kRequestTiming{1, 30, 10};
constexpr Timing kRenewTiming{10, 600, 0};
constexpr Timing kDeclineTiming{1, 0, 4};
constexpr Duration kMaxDelay = seconds(1);  // before the first Solicit or Information-request
constexpr std::uint32_t kRefresh = 86400, kMinRefresh = 600;
constexpr std::uint8_t kMaxPreference = 255;
// kNoAnswer comes with the fifth message after about 15 s.
constexpr unsigned kComplainAfter = 4;
constexpr Duration kAfterConflict = seconds(10);
constexpr std::uint32_t kMinRenewal = 8;
// A lease begins when its server replies, which is at most so long before the reply arrives.
constexpr Duration kMaxDelivery = seconds(10);

// The names of Client::Count, in its order.
constexpr std::array<Counter, Client::kCounts> kCounters{{{"dhcp6_sent"},
                                                          {"dhcp6_received"},
                                                          {"dhcp6_bad_header"},
                                                          {"dhcp6_bad_options"},
                                                          {"dhcp6_other_client"},
                                                          {"dhcp6_other_exchange"},
                                                          {"dhcp6_other_server"},
                                                          {"dhcp6_unexpected"},
                                                          {"dhcp6_bad_address"},
                                                          {"dhcp6_bad_time"},
                                                          {"dhcp6_refused"},
                                                          {"dhcp6_conflicts"}}};

Instant after(Instant start, std::uint32_t time) {
  return time == kForever ? Instant::never() : start + seconds(time);
}

const Assigned* first_valid(const Association& association) {
  for (const Assigned& each : association.addresses.all()) {
    if (each.valid >= Client::kShortest) return &each;
  }
  return nullptr;
}

Kind message_of(Client::State state) {
  using State = Client::State;
  switch (state) {
    case State::kInforming:
      return Kind::kInformationRequest;
    case State::kRequesting:
      return Kind::kRequest;
    case State::kDeclining:
      return Kind::kDecline;
    case State::kRenewing:
      return Kind::kRenew;
    case State::kRebinding:
      return Kind::kRebind;
    default:
      return Kind::kSolicit;
  }
}
}  // namespace

Client::Client(const Identity& us, const SipKey& secret, Outside& outside)
    : us_(us), random_(secret), outside_(&outside), counters_(kCounters) {}

void Client::start(Need need, Instant now) {
  if (need <= need_) return;
  need_ = need;
  if (need == Need::kAddress) return search(now);
  enter(State::kInforming, now + random_.up_to(kMaxDelay));
}

void Client::enter(State state, Instant at) {
  state_ = state;
  tries_ = 0;
  xid_ = static_cast<std::uint32_t>(random_.next() & 0xffffff);
  next_at_ = at;
}

void Client::search(Instant now, Duration pause) {
  enter(State::kSoliciting, now + pause + random_.up_to(kMaxDelay));
  preference_ = -1;
}

void Client::lose(Instant now) { outside_->event(Event::kLost, lease_, now); }

void Client::refuse(Instant now) {
  count_up(kRefused);
  const bool had = has_address();
  // The search restarts at once the first time, then after growing pauses.
  search(now, refusals_ == 0 ? Duration{} : seconds(std::int64_t{1} << std::min(refusals_, 6U)));
  ++refusals_;
  if (had) lose(now);
}

Timing Client::timing() const {
  switch (state_) {
    case State::kInforming:
      return {1, max_information_, 0};
    case State::kRequesting:
      return kRequestTiming;
    case State::kDeclining:
      return kDeclineTiming;
    case State::kRenewing:
    case State::kRebinding:
      return kRenewTiming;
    default:
      return {1, max_solicit_, 0};
  }
}

// Section 15, with a random part of up to a tenth either way. That of the first Solicit is never
// negative (section 18.2.1).
void Client::schedule(const Timing& timing, Instant now) {
  const auto about = [&](Duration base, Duration unit) {
    return base - unit / 10 + random_.up_to(unit / 5);
  };
  const Duration max = seconds(timing.max);
  if (tries_ > 1) {
    timeout_ = about(timeout_ * 2, timeout_);
  } else if (state_ == State::kSoliciting) {
    timeout_ = seconds(timing.initial) + random_.up_to(seconds(timing.initial) / 10);
  } else {
    timeout_ = about(seconds(timing.initial), seconds(timing.initial));
  }
  if (timing.max != 0 && timeout_ > max) timeout_ = about(max, max);
  next_at_ = now + timeout_;
  if (state_ == State::kRenewing) next_at_ = std::min(next_at_, lease_.rebinding);
  if (state_ == State::kRebinding) next_at_ = std::min(next_at_, lease_.end);
}

void Client::transmit(Kind kind, Instant now) {
  if (tries_++ == 0) began_ = now;
  schedule(timing(), now);
  Request message{.kind = kind, .xid = xid_, .us = us_};
  message.elapsed =
      static_cast<std::uint16_t>(std::clamp<std::int64_t>((now - began_).ms() / 10, 0, 0xffff));
  message.rapid_commit = kind == Kind::kSolicit;
  message.association = kind != Kind::kInformationRequest;
  if (kind != Kind::kSolicit && message.association) message.address = lease_.address;
  if (kind != Kind::kSolicit && kind != Kind::kRebind && message.association) {
    message.server = lease_.server;
  }
  std::array<std::byte, Request::kMax> bytes;
  const std::size_t size = message.write(bytes);
  count_up(kSent);
  outside_->send(Bytes(bytes).first(size), now);
  const bool searching = state_ == State::kSoliciting || state_ == State::kInforming;
  if (searching && tries_ > kComplainAfter) complain(now);
}

void Client::complain(Instant now) {
  if (complained_) return;
  complained_ = true;
  outside_->event(Event::kNoAnswer, lease_, now);
}

void Client::tick(Instant now) {
  if (now < next_at_) return;
  switch (state_) {
    case State::kIdle:
    case State::kChecking:
      return;
    case State::kInformed:
      enter(State::kInforming, now);
      break;
    case State::kSoliciting:
      if (preference_ >= 0) enter(State::kRequesting, now);
      break;
    case State::kRequesting:
      if (tries_ < kRequestTiming.count) break;
      search(now);
      return complain(now);
    case State::kDeclining:
      if (tries_ < kDeclineTiming.count) break;
      return search(now, kAfterConflict);
    case State::kInforming:
      break;
    case State::kBound:
    case State::kRenewing:
    case State::kRebinding:
      if (now >= lease_.end) {
        search(now);
        return lose(now);
      }
      if (now >= lease_.rebinding) {
        if (state_ != State::kRebinding) enter(State::kRebinding, now);
      } else if (state_ == State::kBound) {
        enter(State::kRenewing, now);
      }
  }
  transmit(message_of(state_), now);
}

void Client::receive(Bytes message, Instant now) {
  count_up(kReceived);
  const auto reply = Reply::parse(message, us_);
  if (!reply) return count_up(reply.error() == Malformed::kHeader ? kBadHeader : kBadOptions);
  if (reply->bad_options != 0) count_up(kBadOptions);
  // Without a message of this client in flight. A Reconfigure is never accepted, as the client
  // does not offer to (section 18.2.11).
  if (tries_ == 0 || reply->kind == Kind::kReconfigure) return count_up(kUnexpected);
  if (!reply->for_us) return count_up(kOtherClient);
  if (reply->xid != xid_) return count_up(kOtherExchange);
  if (reply->server.all().empty()) return count_up(kOtherServer);
  if ((reply->kind == Kind::kAdvertise) != (state_ == State::kSoliciting && !reply->rapid_commit)) {
    return count_up(kUnexpected);
  }
  const bool one_server =
      state_ == State::kRequesting || state_ == State::kRenewing || state_ == State::kDeclining;
  if (one_server && reply->server != lease_.server) return count_up(kOtherServer);
  if (reply->max_solicit) max_solicit_ = *reply->max_solicit;
  if (reply->max_information) max_information_ = *reply->max_information;
  if (state_ == State::kDeclining) return search(now, kAfterConflict);
  if (state_ == State::kInforming) return take_information(*reply, now);
  if (reply->kind == Kind::kAdvertise) return take_advertise(*reply, now);
  take_reply(*reply, now);
}

void Client::take_information(const Reply& reply, Instant now) {
  if (reply.status != Status::kSuccess) return count_up(kRefused);
  const std::uint32_t refresh = std::max(reply.refresh.value_or(kRefresh), kMinRefresh);
  enter(State::kInformed, after(now, refresh));
  complained_ = false;
  lease_.server = reply.server;
  lease_.settings = reply.settings;
  outside_->event(Event::kInformed, lease_, now);
}

// Section 18.2.9: Advertises are compared until the first timeout; later, the first one is used.
void Client::take_advertise(const Reply& reply, Instant now) {
  const Assigned* offered = reply.association ? first_valid(*reply.association) : nullptr;
  if (reply.status != Status::kSuccess || offered == nullptr ||
      reply.association->status != Status::kSuccess) {
    return count_up(kRefused);
  }
  if (reply.preference <= preference_) return;
  preference_ = reply.preference;
  lease_ = {.address = offered->address, .server = reply.server};
  if (tries_ == 1 && reply.preference != kMaxPreference) return;
  enter(State::kRequesting, now);
  transmit(Kind::kRequest, now);
}

// A Reply to a Solicit with rapid commit, a Request, a Renew or a Rebind (section 18.2.10.1).
void Client::take_reply(const Reply& reply, Instant now) {
  const bool had = has_address();
  const bool requested = state_ == State::kRequesting;
  if (reply.status == Status::kNotOnLink && (had || requested)) return refuse(now);
  if (reply.status != Status::kSuccess) return count_up(kRefused);
  if (!reply.association) return requested ? refuse(now) : count_up(kBadAddress);
  const Association& association = *reply.association;
  if (had && association.status == Status::kNoBinding) {
    count_up(kRefused);
    // The server has no record of the address: request it again, and check it again.
    enter(State::kRequesting, now);
    lose(now);
    lease_.server = reply.server;
    return transmit(Kind::kRequest, now);
  }
  if (association.status == Status::kUnspecFail) return count_up(kRefused);
  if (association.status != Status::kSuccess) return requested ? refuse(now) : count_up(kRefused);
  const auto all = association.addresses.all();
  const auto held = std::ranges::find(all, lease_.address, &Assigned::address);
  const bool kept = had && held != all.end() && held->valid != 0;
  const Assigned* assigned = kept ? &*held : first_valid(association);
  if (assigned != nullptr) return take_address(reply, *assigned, now);
  if (requested || (had && held != all.end())) return refuse(now);
  count_up(kBadAddress);
}

// Sets the lease's times, which count from the exchange's start or the earliest possible reply. T1
// and T2 that are absent or beyond the lifetime are half and four fifths of the preferred lifetime
// (section 14.2). False if the lifetime is too short.
bool Client::read_times(const Association& from, const Assigned& assigned, Lease& lease,
                        Instant now) const {
  const Instant start = std::max(began_, Instant{now.ns - kMaxDelivery.ns});
  const std::uint32_t valid = assigned.valid;
  if (valid < kShortest) return false;
  const std::uint32_t base = assigned.preferred == 0 ? valid : assigned.preferred;
  std::uint32_t rebinding = from.rebinding, renewal = from.renewal;
  if (rebinding == 0 || rebinding > valid) {
    rebinding = base == kForever ? kForever : base / 5 * 4;
  }
  if (renewal == 0 || renewal > rebinding) {
    renewal = base == kForever ? rebinding : std::min(base / 2, rebinding);
  }
  renewal = std::max(renewal, kMinRenewal);
  rebinding = std::max(renewal, rebinding);
  lease.seconds = valid;
  lease.preferred = after(start, assigned.preferred);
  lease.end = after(start, valid);
  lease.rebinding = std::min(after(start, rebinding), lease.end);
  lease.renewal = std::min(after(start, renewal), lease.rebinding);
  return true;
}

void Client::take_address(const Reply& reply, const Assigned& assigned, Instant now) {
  Lease lease{.address = assigned.address, .server = reply.server, .settings = reply.settings};
  if (!read_times(*reply.association, assigned, lease, now)) return count_up(kBadTime);
  const bool had = has_address();
  if (had && assigned.address == lease_.address) {
    lease_ = lease;
    enter(State::kBound, lease_.renewal);
    return outside_->event(Event::kRenewed, lease_, now);
  }
  enter(State::kChecking, Instant::never());
  if (had) lose(now);  // reports the old lease's values
  lease_ = lease;
  outside_->event(Event::kCheck, lease_, now);
}

void Client::address_ready(Instant now) {
  if (state_ != State::kChecking) return;
  enter(State::kBound, lease_.renewal);
  refusals_ = 0;
  complained_ = false;
  outside_->event(Event::kBound, lease_, now);
}

void Client::address_taken(Instant now) {
  if (!has_address() && state_ != State::kChecking) return;
  count_up(kConflicts);
  enter(State::kDeclining, now);
  lose(now);
  transmit(Kind::kDecline, now);
}

void Client::renew(const SipKey& secret, Instant now) {
  random_ = RandomSource(secret);
  if (has_address()) return enter(State::kRebinding, now);
  if (state_ == State::kInforming || state_ == State::kInformed) {
    return enter(State::kInforming, now);
  }
  if (state_ == State::kSoliciting || state_ == State::kRequesting) search(now);
}

void Client::release(Instant now) {
  const bool had = has_address() || state_ == State::kChecking;
  need_ = Need::kNothing;
  enter(State::kIdle, Instant::never());
  if (!had) return;
  lose(now);  // an address must not be in use when its Release is sent (section 18.2.7)
  transmit(Kind::kRelease, now);
  enter(State::kIdle, Instant::never());
}

}  // namespace fata::dhcp::v6
