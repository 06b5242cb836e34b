#include "fata/sntp/client.hpp"

#include <algorithm>
#include <cstdlib>

namespace fata::sntp {

namespace {
// The first requests are spread over this time, so that clones do not send at once.
constexpr Duration kSpread = seconds(1);

// The names of Client::Count, in its order.
constexpr std::array<Counter, Client::kCounts> kCounters{{{"sntp_sent"},
                                                          {"sntp_received"},
                                                          {"sntp_malformed"},
                                                          {"sntp_other_server"},
                                                          {"sntp_other_request"},
                                                          {"sntp_unsynchronized"},
                                                          {"sntp_too_far"},
                                                          {"sntp_bad_time"},
                                                          {"sntp_kisses"},
                                                          {"sntp_timeouts"},
                                                          {"sntp_disagreements"}}};
}  // namespace

Client::Client(const SipKey& secret, Outside& outside)
    : secret_(secret), outside_(&outside), counters_(kCounters) {}

std::uint64_t Client::random() { return siphash(secret_, std::array<std::uint64_t, 1>{drawn_++}); }
Duration Client::up_to(Duration most) {
  return nanoseconds(
      static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(most.ns) + 1)));
}

void Client::use(std::span<const Endpoint> wanted, Instant now) {
  wanted = wanted.first(std::min(wanted.size(), kMaxServers));
  if (std::ranges::equal(wanted, servers(), {}, {}, &Server::address)) return;
  const std::array<Server, kMaxServers> before = servers_;
  const auto known = std::span(before).first(used_);
  used_ = 0;
  for (const Endpoint& each : wanted) {
    if (std::ranges::contains(servers(), each, &Server::address)) continue;
    const auto found = std::ranges::find(known, each, &Server::address);
    Server& server = servers_[used_++];
    server = found != known.end() ? *found : Server{};
    if (found != known.end()) continue;
    server.address = each;
    server.next_at = now + up_to(kSpread);
  }
}

Instant Client::next_deadline() const {
  Instant next = Instant::never();
  for (const Server& each : servers()) next = std::min(next, each.next_at);
  return next;
}

void Client::tick(Instant now) {
  watch_host(now);
  for (Server& each : servers()) {
    if (now < each.next_at) continue;
    if (each.state == Server::State::kIdle) {
      ask(each, now);
    } else {
      ++counters_[kTimeouts];
      if (++each.unanswered >= kUnreachable) {
        each.unanswered = kUnreachable;
        each.sample.reset();
      }
      const bool first = !each.tried;
      wait(each, each.poll + 1U);
      if (first) choose(now);
    }
  }
}

void Client::ask(Server& server, Instant now) {
  server.state = Server::State::kAsked;
  server.asked_at = now;
  server.next_at = now + kTimeout;
  server.cookie = random();
  std::array<std::byte, kMessageSize> request;
  write_request(server.cookie, request);
  ++counters_[kSent];
  outside_->send(request, server.address);
}

// Ends an exchange. The next request is `2^poll` seconds after the last one, and up to an eighth
// later.
void Client::wait(Server& server, unsigned poll) {
  server.state = Server::State::kIdle;
  server.tried = true;
  server.poll = static_cast<std::uint8_t>(std::clamp<unsigned>(
      poll, server.least_poll, std::max<unsigned>(kMaxPoll, server.least_poll)));
  const Duration interval = seconds(std::int64_t{1} << server.poll);
  server.next_at = server.asked_at + interval + up_to(interval / 8);
}

// All samples are void. Each server is queried again soon, but kMinPoll after its last request.
void Client::restart(Instant now) {
  for (Server& each : servers()) {
    each.sample.reset();
    if (each.state == Server::State::kDenied) continue;
    const bool asked = each.asked_at != Instant{};
    wait(each, kMinPoll);
    each.tried = false;
    if (!asked || each.next_at < now) each.next_at = now + up_to(kSpread);
  }
  if (verdict_ == Verdict::kAgreed) outside_->follow_host();
  verdict_ = Verdict::kNone;
}

void Client::renew(const SipKey& secret, Instant now) {
  secret_ = secret;
  restart(now);
}

// If the host's clock moves against the monotonic one by more than its error, the machine was
// paused or the host's clock was set. The samples, whose times are monotonic, may be wrong then.
void Client::watch_host(Instant now) {
  const WallReading host = outside_->host(now);
  const std::int64_t base = host.time.ns - now.ns;
  const bool moved = host_base_ && std::abs(base - *host_base_) > host.error.ns;
  host_base_ = base;
  if (moved) restart(now);
}

void Client::receive(Bytes message, const Endpoint& from, Instant now) {
  ++counters_[kReceived];
  watch_host(now);
  const auto found = std::ranges::find(servers(), from, &Server::address);
  if (found == servers().end()) return void(++counters_[kOtherServer]);
  Server& server = *found;
  Reply reply;
  if (!Reply::parse(message, reply)) return void(++counters_[kMalformed]);
  if (server.state != Server::State::kAsked || reply.origin != server.cookie)
    return void(++counters_[kOtherRequest]);
  server.unanswered = 0;
  if (reply.stratum == 0) return take_kiss(server, reply.reference_id);
  if (take_time(server, reply, now)) return choose(now);
  wait(server, server.poll + 1U);
}

void Client::take_kiss(Server& server, std::uint32_t code) {
  ++counters_[kKisses];
  if (code == kDeny || code == kRestrict) {
    server.state = Server::State::kDenied;
    server.tried = true;
    server.next_at = Instant::never();
    server.sample.reset();
    return outside_->event(Event::kDenied, server.address);
  }
  const unsigned poll = std::min(server.poll + 1U, kMaxRatedPoll);
  if (code == kRate) server.least_poll = static_cast<std::uint8_t>(poll);
  wait(server, poll);
}

// False if the reply is not usable (RFC 5905 section 14 and the tests of section 8).
bool Client::take_time(Server& server, const Reply& reply, Instant now) {
  if (reply.leap == 3 || reply.stratum > 15 || reply.unset)
    return ++counters_[kUnsynchronized], false;
  const Duration distance = reply.root_delay / 2 + reply.root_dispersion;
  if (distance >= kMaxDistance) return ++counters_[kTooFar], false;
  const Duration elapsed = now - server.asked_at;
  const Duration serving{reply.transmitted.ns - reply.received.ns};
  const Duration delay = elapsed - serving;
  if (reply.reference > reply.transmitted || serving < Duration{} ||
      delay + reply.precision < Duration{})
    return ++counters_[kBadTime], false;
  const Sample sample{.base = reply.received.ns - server.asked_at.ns - delay.ns / 2,
                      .error = std::max(delay, Duration{}) / 2 + distance + reply.precision * 2 +
                               WallCorrection::drift(elapsed),
                      .at = now};
  const std::optional<Sample>& last = server.sample;
  const Duration last_error = last ? last->error_at(now) : Duration{};
  const bool contradicts =
      last && std::abs(sample.base - last->base) > (sample.error + last_error).ns;
  if (!last || contradicts || sample.error <= last_error) server.sample = sample;
  wait(server, contradicts ? kMinPoll : server.poll + 1U);
  return true;
}

void Client::choose(Instant now) {
  std::array<Interval, kMaxServers> intervals;
  std::size_t count = 0, usable = 0;
  for (const Server& each : servers()) {
    // The first to answer are not the majority.
    if (!each.tried) return;
    usable += each.state != Server::State::kDenied;
    if (!each.sample) continue;
    const std::int64_t error = each.sample->error_at(now).ns;
    intervals[count++] = {each.sample->base - error, each.sample->base + error};
  }
  const bool few = usable < 3;
  const std::size_t needed = few ? count : usable / 2 + 1;
  if (count == 0 || count < needed) return;
  auto found = agreement(std::span(intervals).first(count), needed);
  const WallReading host = outside_->host(now);
  if (few && found && host.error != kInfinite) {
    const std::int64_t base = host.time.ns - now.ns;
    if (found->first > base + host.error.ns || found->last < base - host.error.ns) found.reset();
  }
  conclude(found, now);
}

void Client::conclude(const std::optional<Interval>& found, Instant now) {
  const Verdict before = verdict_;
  verdict_ = found ? Verdict::kAgreed : Verdict::kDisagreed;
  if (found) {
    const std::int64_t error = (found->last - found->first + 1) / 2;
    outside_->correct({{found->first + error + now.ns}, nanoseconds(error)}, now);
  } else {
    ++counters_[kDisagreements];
    if (before == Verdict::kAgreed) outside_->follow_host();
  }
  if (verdict_ != before) outside_->event(found ? Event::kSynchronized : Event::kDisagreement, {});
}

std::optional<Interval> agreement(std::span<const Interval> all, std::size_t needed) {
  const auto agreed = [&](std::int64_t time) {
    return static_cast<std::size_t>(std::ranges::count_if(
               all, [&](const Interval& each) { return each.contains(time); })) >= needed;
  };
  // The interval starts where one of the given ones starts, and ends where one ends.
  std::optional<Interval> found;
  for (const Interval& each : all) {
    if (agreed(each.first) && (!found || each.first < found->first))
      found = {each.first, found ? found->last : each.first};
  }
  if (!found) return found;
  for (const Interval& each : all) {
    if (agreed(each.last)) found->last = std::max(found->last, each.last);
  }
  return found;
}

}  // namespace fata::sntp
