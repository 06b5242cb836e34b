#include "fata/sntp/client.hpp"

#include <algorithm>
#include <cstdlib>

namespace fata::sntp {

namespace {
// The first requests are spread over this time, so that clones do not send at once.
constexpr Duration kSpread = seconds(1);
}  // namespace

Client::Client(const SipKey& secret, Outside& outside) : outside_(&outside), random_(secret) {}

void Client::use(std::span<const IpAddress> wanted, Instant now) {
  wanted = wanted.first(std::min(wanted.size(), kMaxServers));
  if (std::ranges::equal(wanted, servers(), {}, {}, &Server::address)) return;
  for (const Server& each : servers()) {
    if (each.asked_at != Instant{}) not_before_ = std::max(not_before_, each.asked_at + kMinPoll);
  }
  used_ = wanted.size();
  for (std::size_t i = 0; i < used_; ++i) {
    servers_[i] = {};
    servers_[i].address = wanted[i];
    servers_[i].next_at = std::max(now, not_before_) + random_.up_to(kSpread);
  }
}

Instant Client::next_deadline() const {
  Instant next = Instant::never();
  for (const Server& each : servers()) next = std::min(next, each.next_at);
  return next;
}

const IpAddress* Client::tick(Instant now, std::span<std::byte, kMessageSize> request) {
  watch_host(now);
  for (Server& each : servers()) {
    if (now < each.next_at) continue;
    if (each.state == Server::State::kIdle) {
      ask(each, now, request);
      return &each.address;
    }
    ++counts_[kTimeouts];
    if (++each.unanswered >= kUnreachable) {
      each.unanswered = kUnreachable;
      each.sample = {};
    }
    const bool first = !each.tried;
    wait(each, each.doublings + 1U);
    if (first) choose(now);
  }
  return nullptr;
}

void Client::ask(Server& server, Instant now, std::span<std::byte, kMessageSize> request) {
  server.state = Server::State::kAsked;
  server.asked_at = now;
  server.next_at = now + kTimeout;
  server.cookie = random_.next();
  write_request(server.cookie, request);
  ++counts_[kSent];
}

// Ends an exchange. The next request is kMinPoll, doubled, after the last one, and up to an eighth
// later.
void Client::wait(Server& server, unsigned doublings) {
  server.state = Server::State::kIdle;
  server.tried = true;
  server.doublings = static_cast<std::uint8_t>(
      std::max<unsigned>(std::min(doublings, kMaxDoublings), server.min_doublings));
  const Duration interval = kMinPoll * (std::int64_t{1} << server.doublings);
  server.next_at = server.asked_at + interval + random_.up_to(interval / 8);
}

// All samples are void. Each server is queried again soon, but kMinPoll after its last request.
void Client::restart(Instant now) {
  for (Server& each : servers()) {
    each.sample = {};
    if (each.state == Server::State::kDenied) continue;
    const bool asked = each.asked_at != Instant{};
    wait(each, 0);
    each.tried = false;
    if (!asked || each.next_at < now)
      each.next_at = std::max(now, not_before_) + random_.up_to(kSpread);
  }
  if (verdict_ == Verdict::kAgreed) outside_->follow_host();
  verdict_ = Verdict::kNone;
}

void Client::renew(const SipKey& secret, Instant now) {
  random_ = RandomSource(secret);
  restart(now);
}

// If the host's clock moves against the monotonic one by more than its error, the machine was
// paused or the host's clock was set. The samples, whose times are monotonic, may be wrong then.
void Client::watch_host(Instant now) {
  const WallReading host = outside_->host(now);
  const std::int64_t base = host.time.ns - now.ns;
  const bool moved = std::abs(base - host_base_) > host.error.ns;
  host_base_ = base;
  if (moved) restart(now);
}

void Client::receive(Bytes message, const Endpoint& from, Instant now) {
  ++counts_[kReceived];
  watch_host(now);
  const auto found = std::ranges::find(servers(), from.address, &Server::address);
  if (from.port != kPort || found == servers().end()) return void(++counts_[kOtherServer]);
  Server& server = *found;
  Reply reply;
  if (!Reply::parse(message, reply)) return void(++counts_[kMalformed]);
  if (server.state != Server::State::kAsked || reply.origin != server.cookie)
    return void(++counts_[kOtherRequest]);
  server.unanswered = 0;
  if (reply.stratum == 0) return take_kiss(server, reply.reference_id);
  if (take_time(server, reply, now)) return choose(now);
  wait(server, server.doublings + 1U);
}

void Client::take_kiss(Server& server, std::uint32_t code) {
  ++counts_[kKisses];
  if (code == kDeny || code == kRestrict) {
    server.state = Server::State::kDenied;
    server.tried = true;
    server.next_at = Instant::never();
    server.sample = {};
    return outside_->event(Event::kDenied);
  }
  const unsigned doublings = std::min(server.doublings + 1U, kMaxRated);
  if (code == kRate) server.min_doublings = static_cast<std::uint8_t>(doublings);
  wait(server, doublings);
}

// False if the reply is not usable (RFC 5905 section 14 and the tests of section 8).
bool Client::take_time(Server& server, const Reply& reply, Instant now) {
  if (reply.leap == 3 || reply.stratum > 15 || reply.unset)
    return ++counts_[kUnsynchronized], false;
  const Duration distance = reply.root_delay / 2 + reply.root_dispersion;
  if (distance >= kMaxDistance) return ++counts_[kTooFar], false;
  const Duration elapsed = now - server.asked_at;
  const Duration serving{reply.transmitted.ns - reply.received.ns};
  const Duration delay = elapsed - serving;
  if (reply.reference > reply.transmitted || serving < Duration{} ||
      delay + reply.precision < Duration{})
    return ++counts_[kBadTime], false;
  const Sample sample{.base = reply.received.ns - server.asked_at.ns - delay.ns / 2,
                      .error = std::max(delay, Duration{}) / 2 + distance + reply.precision * 2 +
                               WallCorrection::drift(elapsed),
                      .at = now};
  const Sample& last = server.sample;
  const Duration last_error = last.exists() ? last.error_at(now) : kInfinite;
  const bool contradicts =
      last.exists() && std::abs(sample.base - last.base) > (sample.error + last_error).ns;
  if (contradicts || sample.error <= last_error) server.sample = sample;
  wait(server, contradicts ? 0 : server.doublings + 1U);
  return true;
}

void Client::choose(Instant now) {
  std::array<Interval, kMaxServers> intervals;
  std::size_t count = 0, usable = 0;
  for (const Server& each : servers()) {
    // The first to answer are not the majority.
    if (!each.tried) return;
    usable += each.state != Server::State::kDenied;
    if (!each.sample.exists()) continue;
    const std::int64_t error = each.sample.error_at(now).ns;
    intervals[count++] = {each.sample.base - error, each.sample.base + error};
  }
  const bool few = usable < 3;
  const std::size_t needed = few ? count : usable / 2 + 1;
  if (count == 0 || count < needed) return;
  Interval found = agreement(std::span(intervals).first(count), needed);
  const WallReading host = outside_->host(now);
  if (few && host.error != kInfinite) {
    const std::int64_t base = host.time.ns - now.ns;
    if (found.first > base + host.error.ns || found.last < base - host.error.ns) found = {1, 0};
  }
  conclude(found, now);
}

void Client::conclude(const Interval& found, Instant now) {
  const Verdict before = verdict_;
  const bool agreed = !found.is_empty();
  verdict_ = agreed ? Verdict::kAgreed : Verdict::kDisagreed;
  if (agreed) {
    const std::int64_t error = (found.last - found.first + 1) / 2;
    outside_->correct({{found.first + error + now.ns}, nanoseconds(error)}, now);
  } else {
    ++counts_[kDisagreements];
    if (before == Verdict::kAgreed) outside_->follow_host();
  }
  if (verdict_ != before) outside_->event(agreed ? Event::kSynchronized : Event::kDisagreement);
}

Interval agreement(std::span<const Interval> all, std::size_t needed) {
  // The interval starts where one of the given ones starts, and ends where one ends.
  constexpr std::int64_t kMax = Instant::never().ns;
  Interval found{kMax, -kMax};
  const auto add = [&](std::int64_t time) {
    std::size_t agreed = 0;
    for (const Interval& each : all) agreed += each.contains(time);
    if (agreed < needed) return;
    found = {std::min(found.first, time), std::max(found.last, time)};
  };
  for (const Interval& each : all) {
    add(each.first);
    add(each.last);
  }
  return found;
}

}  // namespace fata::sntp
