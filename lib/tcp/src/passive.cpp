// Passive opens: listeners, half-open connections, SYN cookies (RFC 4987), Fast Open (RFC 7413).
#include <algorithm>

#include "fata/tcp/table.hpp"

namespace fata::tcp {

namespace {

// ACKs are checked for cookies for this long after the last cookie was sent.
constexpr Duration kCookieTime = seconds(130);
constexpr std::size_t kHalfOpenCost = sizeof(HalfOpen) + 32;

SynOptions options_of(const Options& options, bool v4, const Config& config, bool ecn) {
  SynOptions syn;
  syn.mss =
      options.mss == 0 ? (v4 ? 536 : 1220) : std::max<std::uint16_t>(options.mss, kMinPeerMss);
  if (options.has_window_scale && config.window_scaling) syn.window_scale = options.window_scale;
  syn.sack = options.sack_permitted && config.sack;
  syn.timestamps = options.has_timestamps && config.timestamps;
  syn.ecn = ecn && config.ecn;
  return syn;
}

}  // namespace

// Our MSS follows from the link's MTU, independent of the path MTU in the other direction (RFC 8201
// section 5.4).
std::uint16_t Table::our_mss(const Endpoint& local, const Endpoint& remote) {
  [[clang::uninitialized]] const std::optional<ip::Path> path =
      ip_->path(remote.address, local.address);
  if (!path) return mss_of_mtu(remote.address, 1500);
  return mss_of_mtu(remote.address, path->link_mtu != 0 ? path->link_mtu : path->mtu);
}

Result<Listener*> Table::listen(Endpoint at, std::size_t backlog, Observer* observer) {
  const auto used = [this](const Endpoint& where) {
    for (Listener& other : listeners_) {
      if (other.at.port == where.port && other.at.address == where.address) return true;
    }
    return false;
  };
  // 0.0.0.0 and :: both mean all addresses of both families.
  if (at.address.is_any()) at.address = {};
  if (!at.address.is_any() && !ip_->path(at.address, at.address))
    return fata::fail(Error(TcpErrc::kNotOurAddress));
  if (at.port == 0) {
    for (std::uint32_t port = 49152; port <= 65535 && at.port == 0; ++port) {
      if (!used({at.address, static_cast<std::uint16_t>(port)}))
        at.port = static_cast<std::uint16_t>(port);
    }
    if (at.port == 0) return fata::fail(Error(TcpErrc::kNoFreePort));
  } else if (used(at)) {
    return fata::fail(TcpErrc::kPortInUse, at.port);
  }
  auto* listener = new Listener;
  listener->at = at;
  listener->backlog = std::max<std::size_t>(backlog, 1);
  listener->observer = observer;
  listener->options = config_.flow;
  listeners_.push_back(*listener);
  return listener;
}

Listener* Table::listener_at(const Endpoint& at) {
  Listener* any = nullptr;
  for (Listener& listener : listeners_) {
    if (listener.at.port != at.port) continue;
    if (listener.at.address == at.address) return &listener;
    if (listener.at.address.is_any()) any = &listener;
  }
  return any;
}

void Table::offer(Connection& connection) {
  Listener& listener = *connection.listener;
  connection.next_to_accept = nullptr;
  (listener.last == nullptr ? listener.first : listener.last->next_to_accept) = &connection;
  listener.last = &connection;
  ++listener.waiting;
  if (listener.observer != nullptr) listener.observer->on_events(Observer::kReadable);
}

Connection* Table::accept(Listener& listener) {
  Connection* connection = listener.first;
  if (connection == nullptr) return nullptr;
  listener.first = connection->next_to_accept;
  if (listener.first == nullptr) listener.last = nullptr;
  --listener.waiting;
  connection->listener = nullptr;
  connection->next_to_accept = nullptr;
  count_up(kAccepted);
  return connection;
}

void Table::close(Listener* listener, Instant now) {
  now_ = now;
  while (Connection* connection = accept(*listener)) {
    connection->abort(now);
    dead_.push_back(*connection);
  }
  for (List<HalfOpen>& list : half_opens_) {
    for (std::size_t left = listener->half_open; left != 0;) {
      HalfOpen* mine = nullptr;
      for (HalfOpen& half : list) {
        if (half.listener == listener) {
          mine = &half;
          break;
        }
      }
      if (mine == nullptr) break;
      drop(*mine);
      left = listener->half_open;
    }
  }
  delete listener;
  reap();
}

void Table::receive_at_listener(Listener& listener, Segment& segment, const ip::Packet& packet,
                                Instant now, std::optional<Seq> min_iss) {
  const Header& header = segment.header;
  const Endpoint local{packet.destination, header.destination_port};
  const Endpoint remote{packet.source, header.source_port};
  // RFC 9293 section 3.10.7.2.
  if (header.has(kRst)) return;
  if (header.has(kAck)) {
    if (!header.has(kSyn) && now < cookies_until_ &&
        receive_cookie(listener, segment, local, remote, now))
      return;
    count_up(kNoConnection);
    return send_reset(segment, local, remote, now);
  }
  if (header.has(kSyn)) receive_syn(listener, segment, local, remote, now, min_iss);
}

void Table::receive_syn(Listener& listener, Segment& segment, const Endpoint& local,
                        const Endpoint& remote, Instant now, std::optional<Seq> min_iss) {
  if (listener.waiting >= listener.backlog) {
    count_up(kBacklogFull);
    return;
  }
  const Header& header = segment.header;
  const SynOptions options = options_of(header.options, remote.address.is_v4(), config_,
                                        header.has(kEce) && header.has(kCwr));
  const InitialNumbers::Numbers numbers = numbers_.choose(local, remote, now);
  // A connection that follows one in TIME-WAIT must start beyond its sequence numbers.
  const Seq iss = min_iss && before(numbers.isn, *min_iss) ? *min_iss : numbers.isn;
  if (config_.fast_open_server && header.options.has_cookie && header.options.cookie_size != 0 &&
      receive_fast_open(listener, segment, local, remote, iss, now)) {
    return;
  }
  if (half_open_ >= config_.half_open || memory_.low_on_buffers() ||
      !take_for_newcomer(kHalfOpenCost, remote.address)) {
    if (config_.syn_cookies) return send_cookie(listener, local, remote, segment, options, now);
    count_up(kSynDropped);
    return;
  }
  auto* half = new HalfOpen(Entry::Kind::kHalfOpen, local, remote);
  half->listener = &listener;
  half->irs = header.seq;
  half->iss = iss;
  half->ts_offset = numbers.timestamp_offset;
  half->ts_recent = header.options.ts_value;
  half->window = header.window;
  half->options = options;
  half->sent = now;
  half->due = now + config_.rto.initial;
  half->cookie_asked = config_.fast_open_server && header.options.has_cookie;
  ++half_open_;
  ++listener.half_open;
  add(*half);
  half_opens_[0].push_back(*half);
  send_syn_ack(*half, now);
}

void Table::send_syn_ack(const HalfOpen& half, Instant now) {
  Header header;
  header.source_port = half.local.port;
  header.destination_port = half.remote.port;
  header.seq = half.iss;
  header.ack = half.irs + 1;
  header.flags = kSyn | kAck;
  // RFC 3168 section 6.1.1; a retransmission omits it, in case a device on the path drops it.
  if (half.options.ecn && half.retries == 0) header.flags |= kEce;
  header.window = static_cast<std::uint16_t>(std::min<std::uint32_t>(config_.receive_first, 65535));
  header.options.mss = our_mss(half.local, half.remote);
  header.options.sack_permitted = half.options.sack;
  if (half.options.window_scale) {
    header.options.has_window_scale = true;
    header.options.window_scale = config_.window_shift;
  }
  if (half.options.timestamps) {
    header.options.has_timestamps = true;
    header.options.ts_value = timestamp_clock(now) + half.ts_offset;
    header.options.ts_echo = half.ts_recent;
  }
  if (half.cookie_asked) {
    [[clang::uninitialized]] const FastOpenCookie cookie =
        fast_open_server(now).make(half.local.address, half.remote.address);
    header.options.has_cookie = true;
    header.options.cookie_size =
        static_cast<std::uint8_t>(copy_bytes(header.options.cookie, cookie.bytes()));
  }
  ip::Marks marks = half.listener->options.marks();
  marks.may_fragment = half.remote.address.is_v4() && half.options.mss <= kMinCookieMss;
  send_segment(header, half.local.address, half.remote.address, false, marks, now);
}

void Table::send_cookie(Listener& listener, const Endpoint& local, const Endpoint& remote,
                        const Segment& syn, const SynOptions& options, Instant now) {
  count_up(kCookiesSent);
  cookies_until_ = now + kCookieTime;
  HalfOpen half(Entry::Kind::kHalfOpen, local, remote);
  half.listener = &listener;
  half.irs = syn.header.seq;
  half.iss = cookies_.make(local, remote, half.irs, options, now);
  half.options = options;
  half.ts_recent = syn.header.options.ts_value;
  const std::uint32_t clock = timestamp_clock(now);
  half.ts_offset =
      SynCookies::timestamp(clock + numbers_.choose(local, remote, now).timestamp_offset, options) -
      clock;
  send_syn_ack(half, now);
}

bool Table::receive_cookie(Listener& listener, Segment& segment, const Endpoint& local,
                           const Endpoint& remote, Instant now) {
  const Header& header = segment.header;
  std::optional<std::uint32_t> echo;
  if (header.options.has_timestamps) echo = header.options.ts_echo;
  const auto options = cookies_.check(local, remote, header.seq - 1, header.ack - 1, echo, now);
  if (!options) {
    count_up(kCookiesBad);
    // If the final ACK was lost or had no room, segments after the first data cannot be
    // distinguished from guesses, so they are dropped; the first byte of data carries the cookie
    // again when it is retransmitted. Only a segment without data and FIN is answered by a reset.
    return segment.length != 0 || header.has(kFin);
  }
  if (listener.waiting >= listener.backlog) return count_up(kBacklogFull), true;
  HalfOpen half(Entry::Kind::kHalfOpen, local, remote);
  half.listener = &listener;
  half.irs = header.seq - 1;
  half.iss = header.ack - 1;
  half.options = *options;
  half.ts_recent = header.options.ts_value;
  half.ts_offset = numbers_.choose(local, remote, now).timestamp_offset;
  half.window = header.window;
  half.retries = 1;  // its round trip is unknown
  if (promote(half, segment, now) != nullptr) count_up(kCookiesTaken);
  return true;
}

void Table::receive_half_open(HalfOpen& half, Segment& segment, Instant now) {
  const Header& header = segment.header;
  const Seq next = half.irs + 1;
  if (header.has(kSyn) && !header.has(kAck | kRst) && header.seq == half.irs) {
    // The SYN-ACK was lost or delayed.
    return send_syn_ack(half, now);
  }
  const auto acknowledge = [&] {
    if (!may_challenge(half, now)) return;
    count_up(kChallenges);
    Header answer;
    answer.source_port = half.local.port;
    answer.destination_port = half.remote.port;
    answer.seq = half.iss + 1;
    answer.ack = next;
    answer.flags = kAck;
    answer.window =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(config_.receive_first, 65535));
    if (half.options.timestamps) {
      answer.options.has_timestamps = true;
      answer.options.ts_value = timestamp_clock(now) + half.ts_offset;
      answer.options.ts_echo = half.ts_recent;
    }
    send_segment(answer, half.local.address, half.remote.address, false, ip::Marks{}, now);
  };
  if (half.options.timestamps && header.options.has_timestamps && !header.has(kRst) &&
      before(header.options.ts_value, half.ts_recent)) {
    count_up(kPaws);
    return acknowledge();
  }
  if (header.seq - next >= std::min<std::uint32_t>(config_.receive_first, 65535)) {
    count_up(kOutOfWindow);
    if (!header.has(kRst)) acknowledge();
    return;
  }
  if (header.has(kRst)) {
    if (header.seq != next) return acknowledge();
    count_up(kResetsReceived);
    return drop(half);
  }
  // RFC 9293 section 3.10.7.4, fourth: back to LISTEN.
  if (header.has(kSyn)) return drop(half);
  if (!header.has(kAck)) return;
  if (header.ack != half.iss + 1) {
    return send_reset(segment, half.local, half.remote, now);
  }
  if (half.listener->waiting >= half.listener->backlog) {
    // The peer's data, or our SYN-ACK, will be sent again.
    count_up(kBacklogFull);
    return;
  }
  promote(half, segment, now);
}

// Creates the full connection. The segment that completed the handshake may carry data.
Connection* Table::promote(const HalfOpen& half, Segment& segment, Instant now) {
  // Rebuilds the SYN, except for fields that were not kept.
  Header syn;
  syn.seq = half.irs;
  syn.window = half.window;
  syn.options.mss = half.options.mss;
  syn.options.has_window_scale = half.options.window_scale.has_value();
  syn.options.window_scale = half.options.window_scale.value_or(0);
  syn.options.sack_permitted = half.options.sack;
  syn.options.has_timestamps = half.options.timestamps;
  syn.options.ts_value = half.ts_recent;
  const Endpoint local = half.local;
  const Endpoint remote = half.remote;
  const Connection::PassiveOpen how{half.listener, half.iss, half.ts_offset, half.options.ecn};
  std::optional<Duration> round_trip;
  if (half.retries == 0) round_trip = now - half.sent;
  if (!admit(remote.address)) {
    count_up(kSynDropped);
    return nullptr;
  }
  if (half.in_table) drop(const_cast<HalfOpen&>(half));
  Connection* connection = make(local, remote, how.listener->options);
  connection->open_passively(how, syn, now);
  if (connection->complete_handshake(segment, round_trip, now)) return connection;
  connection->close();
  dead_.push_back(*connection);
  return nullptr;
}

// Uses a new secret every hour; cookies of the previous hour are still valid.
FastOpenServer& Table::fast_open_server(Instant now) {
  const std::uint32_t epoch = seconds_of(now) / 3600;
  if (fast_open_epoch_ != epoch) {
    if (fast_open_epoch_ + 1 != epoch) fast_open_server_.renew(derive(fast_open_key_, epoch - 1));
    fast_open_server_.renew(derive(fast_open_key_, epoch));
    fast_open_epoch_ = epoch;
  }
  return fast_open_server_;
}

// Handles a SYN with a valid cookie: its data is accepted at once.
bool Table::receive_fast_open(Listener& listener, Segment& segment, const Endpoint& local,
                              const Endpoint& remote, Seq iss, Instant now) {
  [[clang::uninitialized]] const auto cookie =
      FastOpenCookie::of(segment.header.options.cookie_bytes());
  if (!cookie || !fast_open_server(now).valid(*cookie, local.address, remote.address)) {
    // Refused: the SYN-ACK carries a new cookie and acknowledges no data.
    return false;
  }
  // A cookie may be stolen (RFC 7413 section 5.1), so pending Fast Opens are limited.
  if (pending_fast_opens_ >= config_.fast_opens || !admit(remote.address)) return false;
  Connection* connection = make(local, remote, listener.options);
  count_up(kFastOpens);
  ++pending_fast_opens_;
  const bool ecn = config_.ecn && segment.header.has(kEce) && segment.header.has(kCwr);
  const std::uint32_t ts_offset = numbers_.choose(local, remote, now).timestamp_offset;
  connection->open_passively({&listener, iss, ts_offset, ecn}, segment.header, now);
  connection->accept_early_data(segment, now);
  return true;
}

void Table::drop(HalfOpen& half) {
  remove(half);
  --half_open_;
  --half.listener->half_open;
  memory_.give(kHalfOpenCost);
  delete &half;
}

void Table::tick_half_open(Instant now) {
  for (std::size_t level = half_opens_.size(); level-- > 0;) {
    List<HalfOpen>& list = half_opens_[level];
    while (!list.empty() && list.front().due <= now) {
      HalfOpen& half = list.front();
      if (half.retries >= config_.syn_ack_retries || level + 1 == half_opens_.size()) {
        drop(half);
        continue;
      }
      ++half.retries;
      half.due = now + config_.rto.initial * (std::int64_t{1} << half.retries);
      half_opens_[level + 1].push_back(half);
      count_up(kRetransmitted);
      send_syn_ack(half, now);
    }
  }
}

}  // namespace fata::tcp
