#include "fata/tcp/table.hpp"

#include <algorithm>
#include <bit>

#include "fata/sig/flow_error.hpp"

namespace fata::tcp {

namespace {

// RFC 9293 section 3.9.2.3: the peer is a single host, never multicast, broadcast or unspecified.
bool is_one_host(const IpAddress& address) {
  if (address.is_any()) return false;
  if (!address.is_v4()) return address.octets()[0] != std::byte{0xff};
  return !address.v4().is_multicast() && !address.v4().is_limited_broadcast();
}

constexpr std::array<std::string_view, Table::kCounts> kNames{"received",
                                                              "sent",
                                                              "retransmitted",
                                                              "bad_checksum",
                                                              "malformed",
                                                              "bad_address",
                                                              "no_connection",
                                                              "resets_sent",
                                                              "resets_received",
                                                              "out_of_window",
                                                              "paws",
                                                              "no_timestamp",
                                                              "bad_ack",
                                                              "challenges",
                                                              "syn_dropped",
                                                              "backlog_full",
                                                              "cookies_sent",
                                                              "cookies_taken",
                                                              "cookies_bad",
                                                              "timeouts",
                                                              "tail_probes",
                                                              "recoveries",
                                                              "spurious",
                                                              "window_probes",
                                                              "keepalives",
                                                              "out_of_order",
                                                              "out_of_order_dropped",
                                                              "reorders_dropped",
                                                              "duplicates",
                                                              "no_buffer",
                                                              "opened",
                                                              "accepted",
                                                              "ended",
                                                              "gave_up",
                                                              "orphans_reset",
                                                              "gave_way",
                                                              "time_wait_reused",
                                                              "time_wait_dropped",
                                                              "icmp_taken",
                                                              "icmp_ignored",
                                                              "black_holes",
                                                              "fast_opens"};

constexpr std::size_t kTimersAtOnce = 4096;
constexpr std::uint32_t kYoungOrphan = 5;  // seconds

}  // namespace

Table::Table(const Config& config, const Secrets& secrets, ip::Layer& ip)
    : config_(config),
      ip_(&ip),
      table_key_(secrets.table),
      owned_memory_(new Memory(config.memory, config.borrowed)),
      memory_(*owned_memory_),
      numbers_(secrets.numbers),
      cookies_(secrets.cookies),
      ports_(secrets.ports),
      fast_open_server_(derive(secrets.fast_open, 0)),
      fast_open_key_(secrets.fast_open),
      buckets_(16),
      random_(secrets.table) {
  for (std::size_t i = 0; i < kCounts; ++i) counters_[i].name = kNames[i];
}

Secrets Secrets::from(const SipKey& secret) {
  return {.table = derive(secret, 1),
          .numbers = derive(secret, 2),
          .cookies = derive(secret, 3),
          .ports = derive(secret, 4),
          .fast_open = derive(secret, 5)};
}

void Table::renew(const SipKey& secret) {
  const Secrets secrets = Secrets::from(secret);
  table_key_ = secrets.table;
  spread(buckets_.size());
  numbers_ = InitialNumbers(secrets.numbers);
  cookies_ = SynCookies(secrets.cookies);
  ports_.renew(secrets.ports);
  fast_open_server_ = FastOpenServer(derive(secrets.fast_open, 0));
  fast_open_key_ = secrets.fast_open;
  fast_open_epoch_ = 0;
  random_ = RandomSource(secrets.table);
}

Table::~Table() {
  check(listeners_.empty(), "a listener outlives its TCP");
  for (List<HalfOpen>& list : half_opens_) {
    while (!list.empty()) drop(list.front());
  }
  while (!waits_.empty()) drop(waits_.front());
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    while (buckets_[i] != nullptr) {
      auto& connection = static_cast<Connection&>(*buckets_[i]);
      check(connection.is_orphan(), "a connection outlives its TCP");
      connection.close();
    }
  }
  reap();
}

bool Table::allow(Rate& rate, std::uint32_t most, Instant now) {
  if (rate.most == 0 || now - rate.from >= seconds(1)) {
    const std::uint32_t quarter = most / 4;
    const auto extra = static_cast<std::uint32_t>(random_.next() % (2 * quarter + 1));
    rate = {now, 0, most - quarter + extra};
  }
  if (rate.used >= rate.most) return false;
  ++rate.used;
  return true;
}

bool Table::may_challenge(Entry& entry, Instant now) {
  const auto second = static_cast<std::uint8_t>(seconds_of(now));
  if (entry.challenged_s != second) {
    entry.challenged_s = second;
    entry.challenges = 0;
  }
  if (entry.challenges >= config_.challenge_acks) return false;
  if (!allow(challenge_rate_, config_.challenge_acks_in_all, now)) return false;
  ++entry.challenges;
  return true;
}

std::size_t Table::bucket_of(const Endpoint& local, const Endpoint& remote) const {
  return pair_hash(table_key_, local, remote) & (buckets_.size() - 1);
}

Entry* Table::find(const Endpoint& local, const Endpoint& remote) {
  const auto is_it = [&](const Entry& node) {
    return node.remote.port == remote.port && node.local.port == local.port &&
           node.remote.address == remote.address && node.local.address == local.address;
  };
  // A flow's segments arrive in bursts.
  if (last_found_ != nullptr && is_it(*last_found_)) return last_found_;
  for (Entry* node = buckets_[bucket_of(local, remote)]; node != nullptr;
       node = node->next_in_bucket) {
    if (is_it(*node)) return last_found_ = node;
  }
  return nullptr;
}

void Table::add(Entry& node) {
  if (nodes_ == buckets_.size()) spread(buckets_.size() * 2);
  Entry*& bucket = buckets_[bucket_of(node.local, node.remote)];
  node.next_in_bucket = bucket;
  node.in_table = true;
  bucket = &node;
  ++nodes_;
}

void Table::remove(Entry& node) {
  if (!node.in_table) return;
  Entry** at = &buckets_[bucket_of(node.local, node.remote)];
  while (*at != &node) at = &(*at)->next_in_bucket;
  *at = node.next_in_bucket;
  node.in_table = false;
  --nodes_;
  if (last_found_ == &node) last_found_ = nullptr;
}

// Works in place, so that a full table can be rehashed with another key.
void Table::spread(std::size_t buckets) {
  Entry* all = nullptr;
  for (Entry*& first : buckets_) {
    while (first != nullptr) {
      Entry* node = std::exchange(first, first->next_in_bucket);
      node->next_in_bucket = std::exchange(all, node);
    }
  }
  buckets_.resize(buckets);
  while (all != nullptr) {
    Entry* node = std::exchange(all, all->next_in_bucket);
    Entry*& bucket = buckets_[bucket_of(node->local, node->remote)];
    node->next_in_bucket = std::exchange(bucket, node);
  }
}

bool Table::receive(ip::Packet& packet, Instant now) {
  now_ = now;
  count_up(kReceived);
  if (!packet.unicast || !is_one_host(packet.source)) return count_up(kBadAddress), true;
  [[clang::uninitialized]] const auto header = Header::parse(packet.payload.bytes());
  if (!header) return count_up(kMalformed), true;
  const bool vouched = packet.offload.checksum_valid || packet.offload.checksum_needed;
  if (!vouched &&
      !checksum_holds(packet.source, packet.destination, packet.payload.bytes(), packet.more))
    return count_up(kChecksum), true;
  if (header->source_port == 0 || header->destination_port == 0) return count_up(kBadAddress), true;

  Segment segment{*header, std::move(packet.payload), std::move(packet.more), 0, packet.ecn};
  segment.payload.trim_front(header->header_length);
  segment.length = static_cast<std::uint32_t>(segment.payload.size() +
                                              (segment.more.empty() ? 0 : segment.more.bytes()));
  const Endpoint local{packet.destination, header->destination_port};
  const Endpoint remote{packet.source, header->source_port};
  if (Entry* node = find(local, remote); node != nullptr) {
    switch (node->kind) {
      case Entry::Kind::kConnection:
        static_cast<Connection*>(node)->receive(segment, now);
        break;
      case Entry::Kind::kHalfOpen:
        receive_half_open(static_cast<HalfOpen&>(*node), segment, now);
        break;
      case Entry::Kind::kTimeWait:
        receive_time_wait(static_cast<TimeWait&>(*node), segment, packet, now);
        break;
    }
  } else if (Listener* listener = listener_at(local); listener != nullptr) {
    receive_at_listener(*listener, segment, packet, now);
  } else {
    count_up(kNoConnection);
    send_reset(segment, local, remote, now);
  }
  reap();
  return true;
}

void Table::icmp_error(const ip::IcmpError& error, Instant now) {
  now_ = now;
  if (error.quoted.size() < 8) return;
  const Endpoint local{error.local, load_be<std::uint16_t>(error.quoted)};
  const Endpoint remote{error.remote, load_be<std::uint16_t>(error.quoted.subspan(2))};
  Entry* node = find(local, remote);
  if (node == nullptr || node->kind != Entry::Kind::kConnection) return count_up(kIcmpIgnored);
  static_cast<Connection*>(node)->icmp_error(error, now);
  reap();
}

void Table::end_of_batch(Instant now) {
  now_ = now;
  // A flow with more to send than one turn allows returns to the end of the list; a flow with a
  // full device stays in it.
  List<Connection> waiting;
  in_turns_ = true;
  while (!dirty_.empty()) {
    Connection& connection = dirty_.pop_front();
    if (ip_->full(connection.link())) {
      waiting.push_back(connection);
    } else {
      connection.output(now);
    }
  }
  in_turns_ = false;
  dirty_.splice_back(waiting);
  reap();
}

Instant Table::next_deadline() const {
  Instant next = timers_.next();
  for (const List<HalfOpen>& list : half_opens_) {
    if (!list.empty()) next = std::min(next, const_cast<List<HalfOpen>&>(list).front().due);
  }
  if (!waits_.empty()) next = std::min(next, const_cast<List<TimeWait>&>(waits_).front().until);
  return next;
}

void Table::tick(Instant now) {
  now_ = now;
  timers_.fire(now, kTimersAtOnce);
  tick_half_open(now);
  while (!waits_.empty() && waits_.front().until <= now) drop(waits_.front());
  end_of_batch(now);
}

void Table::rank(ReorderQueue& queue) {
  if (queue.empty()) return;
  const auto level = static_cast<std::uint8_t>(
      std::min<std::size_t>(std::bit_width(queue.held() / 4096), reorders_.size() - 1));
  if (queue.linked() && queue.level == level) return;
  queue.level = level;
  reorders_[level].push_back(queue);
}

bool Table::make_room(bool orphans_too) {
  for (std::size_t level = reorders_.size(); level-- > 0;) {
    if (reorders_[level].empty()) continue;
    count_up(kReordersDropped);
    reorders_[level].front().clear(memory_);
    return true;
  }
  if (!orphans_too || orphan_list_.empty()) return false;
  abort_oldest_orphan();
  return true;
}

void Table::abort_oldest_orphan() {
  count_up(kOrphansReset);
  orphan_list_.front().abort(now_);
}

bool Table::take_for_newcomer(std::size_t bytes, const IpAddress& newcomer) {
  while (!memory_.take(bytes, memory_.limit() / 8)) {
    if (make_room(true)) {
      reap();
      continue;
    }
    // Existing connections keep an eighth of the memory for received data; when one of them is
    // reset for a newcomer, they no longer need that part.
    if (!give_way_to(newcomer, nullptr)) return false;
    if (memory_.take(bytes)) return true;
  }
  // While memory is scarce, all windows are small. So drop out-of-order data, or an orphan whose
  // data the peer has not acknowledged for seconds.
  if (!memory_.low_on_buffers() || make_room(false)) return true;
  if (!orphan_list_.empty() && orphan_list_.front().quiet_s(now_) > kYoungOrphan)
    abort_oldest_orphan();
  return true;
}

bool Table::admit(const IpAddress& remote) {
  return connections_ < config_.connections && take_for_newcomer(kConnectionCost, remote);
}

Connection* Table::make(const Endpoint& local, const Endpoint& remote, const FlowOptions& options) {
  auto* connection = new Connection(*this, local, remote, options);
  ++connections_;
  add(*connection);
  return connection;
}

Result<Connection*> Table::connect(const Endpoint& given, const Endpoint& remote,
                                   const FlowOptions& options, Observer* observer, Instant now) {
  now_ = now;
  if (remote.port == 0 || !is_one_host(remote.address))
    return fata::fail(Error(sig::FlowErrc::kUnreachable));
  [[clang::uninitialized]] const std::optional<ip::Path> path =
      ip_->path(remote.address, given.address);
  if (!path) return fata::fail(Error(sig::FlowErrc::kUnreachable));
  Endpoint local{path->source, given.port};
  const auto is_free = [&](std::uint16_t port) {
    Entry* node = find({local.address, port}, remote);
    if (node == nullptr) return true;
    return node->kind == Entry::Kind::kTimeWait && may_reuse(static_cast<TimeWait&>(*node), now);
  };
  if (local.port == 0) {
    const std::optional<std::uint16_t> port = ports_.choose(local.address, remote, is_free);
    if (!port) return fata::fail(Error(TcpErrc::kNoFreePort));
    local.port = *port;
  } else if (!is_free(local.port)) {
    return fata::fail(TcpErrc::kPortInUse, local.port);
  }
  if (Entry* old = find(local, remote); old != nullptr) {
    count_up(kTimeWaitReused);
    drop(static_cast<TimeWait&>(*old));
  }
  if (!admit(remote.address)) {
    return fata::fail(
        Error(connections_ >= config_.connections ? TcpErrc::kTooMany : TcpErrc::kNoMemory));
  }
  Connection* connection = make(local, remote, options);
  count_up(kOpened);
  connection->open(observer, now);
  return connection;
}

void Table::release(Connection* connection, Instant now) {
  now_ = now;
  connection->release(now);
  if (connection->is_orphan()) {
    if (connection->gone() && !connection->linked()) dead_.push_back(*connection);
  } else {
    dead_.push_back(*connection);
  }
  reap();
}

// Called once for each connection.
void Table::on_closed(Connection& connection) {
  count_up(kEnded);
  connection.unlink();
  remove(connection);
  if (connection.is_orphan()) {
    --orphans_;
    connection.ListNode<Connection, Orphaned>::unlink();
    dead_.push_back(connection);
  }
}

void Table::reap() {
  while (!dead_.empty()) {
    delete &dead_.pop_front();
    --connections_;
    memory_.give(kConnectionCost);
  }
}

void Table::send_packet(PacketBuf packet, const Header& header, const IpAddress& local,
                        const IpAddress& remote, bool checksum, ip::Marks marks, Instant now) {
  constexpr std::size_t kChecksumAt = 16;
  header.write(packet.bytes());
  wire::ChecksumSum sum;
  add_pseudo_header(sum, local, remote, packet.total_size());
  if (checksum) {
    store_be(packet.bytes().subspan(kChecksumAt), sum.partial());
    packet.offload().checksum_needed = true;
    packet.offload().checksum_start = 0;
    packet.offload().checksum_offset = kChecksumAt;
  } else {
    sum.add(packet.bytes());
    store_be(packet.bytes().subspan(kChecksumAt), sum.finish());
  }
  count_up(kSent);
  // A packet longer than a path that has just shrunk, or too long for the narrowest path because of
  // its options, is fragmented. A path probe is not, because fragments would prove nothing.
  ip_->send(std::move(packet), local, remote, kProtocol, marks, !marks.path_probe, now);
}

void Table::send_segment(const Header& header, const IpAddress& local, const IpAddress& remote,
                         bool checksum, ip::Marks marks, Instant now) {
  PacketBuf packet = ip_->allocate();
  const std::size_t length = kHeaderSize + header.options.size();
  if (!packet || packet.tailroom() < length) return count_up(kNoBuffer);
  (void)packet.append(length);
  send_packet(std::move(packet), header, local, remote, checksum, marks, now);
}

// RFC 9293 section 3.10.7.1.
void Table::send_reset(const Segment& segment, const Endpoint& local, const Endpoint& remote,
                       Instant now) {
  if (segment.header.has(kRst) || !allow(reset_rate_, config_.resets, now)) return;
  count_up(kResetsSent);
  Header header;
  header.source_port = local.port;
  header.destination_port = remote.port;
  if (segment.header.has(kAck)) {
    header.seq = segment.header.ack;
    header.flags = kRst;
  } else {
    header.ack = segment.end();
    header.flags = kRst | kAck;
  }
  send_segment(header, local.address, remote.address, false, ip::Marks{}, now);
}

ConnectionStats Table::stats_of(const Entry& node) {
  if (node.kind == Entry::Kind::kConnection) return static_cast<const Connection&>(node).stats();
  ConnectionStats stats{};
  stats.local = node.local;
  stats.remote = node.remote;
  stats.state = node.kind == Entry::Kind::kHalfOpen ? State::kSynReceived : State::kTimeWait;
  return stats;
}

}  // namespace fata::tcp
