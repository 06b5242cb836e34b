// Table: all connections of one stack, its listeners, half-open connections, SYN cookies and
// TIME-WAIT. A pure engine: inputs are packets, user calls and time; outputs are packets (through
// ip::Layer) and events.
//
// Packets are processed one by one and answered at end_of_batch(), so that a burst gets one ACK.
// The time passed to any function must not go backwards.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "fata/base/counter.hpp"
#include "fata/base/list.hpp"
#include "fata/base/random_source.hpp"
#include "fata/ip/rate_limit.hpp"
#include "fata/tcp/connection.hpp"
#include "fata/tcp/isn.hpp"
#include "fata/tcp/memory.hpp"
#include "fata/tcp/port_choice.hpp"
#include "fata/tcp/syn_cookie.hpp"

namespace fata::tcp {

// A connection between SYN and ACK (SYN-RECEIVED), in few bytes.
struct HalfOpen final : Entry, ListNode<HalfOpen> {
  using Entry::Entry;
  Listener* listener = nullptr;
  Instant due{};
  Instant sent{};
  Seq irs = 0;
  Seq iss = 0;
  std::uint32_t ts_recent = 0;
  std::uint32_t ts_offset = 0;
  std::uint16_t window = 0;
  SynOptions options;
  std::uint8_t retries = 0;
  bool cookie_asked = false;
};

struct TimeWait final : Entry, ListNode<TimeWait>, LastNumbers {
  TimeWait(const Connection& former, const LastNumbers& numbers)
      : Entry(Kind::kTimeWait, former.local, former.remote), LastNumbers(numbers) {}
  Instant until{};
  Instant began{};
};

// A passive open at an endpoint.
struct Listener final : ListNode<Listener> {
  Endpoint at;  // address "any": all of our addresses
  std::size_t backlog = 0;
  Observer* observer = nullptr;  // kReadable: there is a connection to accept
  FlowOptions options;
  Connection* first = nullptr;  // established, not accepted yet
  Connection* last = nullptr;
  std::size_t waiting = 0;
  std::size_t half_open = 0;
};

class Table final : public ip::Transport {
 public:
  enum Count : std::size_t {
    kReceived,
    kSent,
    kRetransmitted,
    kChecksum,
    kMalformed,
    kBadAddress,
    kNoConnection,
    kResetsSent,
    kResetsReceived,
    kOutOfWindow,
    kPaws,
    kNoTimestamp,
    kBadAck,
    kChallenges,
    kSynDropped,
    kBacklogFull,
    kCookiesSent,
    kCookiesTaken,
    kCookiesBad,
    kTimeouts,
    kTailProbes,
    kRecoveries,
    kSpurious,
    kWindowProbes,
    kKeepalives,
    kOutOfOrder,
    kOutOfOrderDropped,
    kReordersDropped,
    kDuplicates,
    kNoBuffer,
    kOpened,
    kAccepted,
    kEnded,
    kGaveUp,
    kOrphansReset,
    kGaveWay,
    kTimeWaitReused,
    kTimeWaitDropped,
    kIcmpTaken,
    kIcmpIgnored,
    kBlackHoles,
    kFastOpens,
    kCounts
  };

  Table(const Config& config, const Secrets& secrets, ip::Layer& ip);
  // All users must have released their connections and closed their listeners.
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // Replaces the secrets. Connections keep their numbers. Earlier Fast Open cookies and SYN cookies
  // are refused, so a handshake based on one starts over.
  void renew(const SipKey& secret) override;

  // ip::Transport
  bool receive(ip::Packet& packet, Instant now) override;
  void icmp_error(const ip::IcmpError& error, Instant now) override;

  // Sends everything due to the packets since the last call: data that may now be sent, and one ACK
  // per connection.
  void end_of_batch(Instant now) override;
  Instant next_deadline() const override;
  void tick(Instant now) override;

  // Begins an active open; `observer` receives kConnected or kEnded. In `local`, "any" and port 0
  // are chosen automatically.
  Result<Connection*> connect(const Endpoint& local, const Endpoint& remote,
                              const FlowOptions& options, Observer* observer, Instant now);
  // The user releases the connection. Written data is still sent and acknowledged; unread data
  // causes a reset (RFC 2525 section 2.17).
  void release(Connection* connection, Instant now);

  // Port 0 is chosen automatically.
  Result<Listener*> listen(Endpoint at, std::size_t backlog, Observer* observer);
  // The next established connection, which the caller must release; null if there is none.
  Connection* accept(Listener& listener);
  // Resets connections that were not accepted.
  void close(Listener* listener, Instant now);

  FastOpenCache& fast_open_cache() {
    if (!fast_open_cache_) fast_open_cache_ = std::make_unique<FastOpenCache>();
    return *fast_open_cache_;
  }
  PacketBuf allocate() { return memory_.allocate(Memory::kLarge, memory_.limit() / 16); }
  // False also if headroom and tailroom exceed a buffer. Inlined, since little of it is left where
  // both are constants.
  [[gnu::always_inline]] PacketBuf allocate(std::size_t headroom, std::size_t tailroom) {
    constexpr std::size_t kRoom = Memory::kLarge - sizeof(Buffer);
    if (headroom > kRoom || tailroom > kRoom - headroom) return {};
    PacketBuf packet = allocate();
    if (headroom != 0 && packet) {
      (void)packet.append(headroom);
      packet.trim_front(headroom);
    }
    return packet;
  }

  const Config& config() const { return config_; }
  Memory& memory() { return memory_; }
  const Memory& memory() const { return memory_; }
  std::span<const Counter> counters() const override { return counters_; }
  std::uint64_t count(Count which) const { return counters_[which].value; }
  std::size_t connections() const { return connections_; }
  std::size_t half_open() const { return half_open_; }
  std::size_t time_waits() const { return time_waits_; }
  std::size_t orphans() const { return orphans_; }

  // Calls `see(ConnectionStats)` for each connection in one part of the table; half-open and
  // TIME-WAIT ones have only endpoints and a state. False past the last part.
  template <class See>
  bool for_each_in(std::size_t part, See&& see) const {
    if (part >= buckets_.size()) return false;
    for (const Entry* node = buckets_[part]; node != nullptr; node = node->next_in_bucket)
      see(stats_of(*node));
    return true;
  }
  template <class See>
  void for_each(See&& see) const {
    for (std::size_t part = 0; for_each_in(part, see);) ++part;
  }
  template <class See>
  void for_each_listener(See&& see) const {
    for (const Listener& listener : const_cast<List<Listener>&>(listeners_)) see(listener);
  }

 private:
  // The other half of this engine: a connection uses the table's memory, timers, counters and
  // lists, and sends through it. None of that is for users.
  friend class Connection;
  // A limit per second that varies randomly by up to a quarter.
  struct Rate {
    Instant from{};
    std::uint32_t used = 0;
    std::uint32_t most = 0;
  };
  bool allow(Rate& rate, std::uint32_t most, Instant now);
  // Whether a segment that `entry` rejects may be answered by an ACK.
  bool may_challenge(Entry& entry, Instant now);

  static ConnectionStats stats_of(const Entry& node);
  void count_up(Count which) { ++counters_[which]; }

  // The hash table.
  std::size_t bucket_of(const Endpoint& local, const Endpoint& remote) const;
  Entry* find(const Endpoint& local, const Endpoint& remote);
  void add(Entry& node);
  void remove(Entry& node);
  void spread(std::size_t buckets);

  // passive.cpp
  Listener* listener_at(const Endpoint& at);
  void receive_at_listener(Listener& listener, Segment& segment, const ip::Packet& packet,
                           Instant now, std::optional<Seq> min_iss = std::nullopt);
  void receive_syn(Listener& listener, Segment& segment, const Endpoint& local,
                   const Endpoint& remote, Instant now, std::optional<Seq> min_iss);
  bool receive_fast_open(Listener& listener, Segment& segment, const Endpoint& local,
                         const Endpoint& remote, Seq iss, Instant now);
  FastOpenServer& fast_open_server(Instant now);
  bool receive_cookie(Listener& listener, Segment& segment, const Endpoint& local,
                      const Endpoint& remote, Instant now);
  void receive_half_open(HalfOpen& half, Segment& segment, Instant now);
  void send_syn_ack(const HalfOpen& half, Instant now);
  void send_cookie(Listener& listener, const Endpoint& local, const Endpoint& remote,
                   const Segment& syn, const SynOptions& options, Instant now);
  Connection* promote(const HalfOpen& half, Segment& segment, Instant now);
  void drop(HalfOpen& half);
  void tick_half_open(Instant now);
  void offer(Connection& connection);  // to be accepted
  std::uint16_t our_mss(const Endpoint& local, const Endpoint& remote);

  // time_wait.cpp
  void begin_time_wait(const Connection& former, const LastNumbers& numbers, Instant now);
  void receive_time_wait(TimeWait& wait, Segment& segment, const ip::Packet& packet, Instant now);
  void drop(TimeWait& wait);
  bool may_reuse(const TimeWait& wait, Instant now) const;

  void send_reset(const Segment& segment, const Endpoint& local, const Endpoint& remote,
                  Instant now);
  void send_segment(const Header& header, const IpAddress& local, const IpAddress& remote,
                    bool checksum, ip::Marks marks, Instant now);
  // Completes and sends a packet that begins with room for the header.
  void send_packet(PacketBuf packet, const Header& header, const IpAddress& local,
                   const IpAddress& remote, bool checksum, ip::Marks marks, Instant now);
  // Drops the out-of-order data of the flow that holds the most or, if there is none and
  // `orphans_too`, the oldest orphan; false if there is neither. Called when memory is refused to a
  // connection or to in-order data.
  bool make_room(bool orphans_too);
  void abort_oldest_orphan();
  // Moves a queue to the list for its size.
  void rank(ReorderQueue& queue);
  // Takes bytes of the budget for a connection opened by `newcomer`.
  bool take_for_newcomer(std::size_t bytes, const IpAddress& newcomer);

  // pressure.cpp
  // Like make_room(true), but if nothing is left to drop and `client` has few connections, resets a
  // connection of the client with the most. Never resets `asking`, the connection of `client`
  // itself, which is null before it exists.
  bool make_room_for(const IpAddress& client, const Connection* asking);
  bool give_way_to(const IpAddress& newcomer, const Connection* asking);
  // Whether `who`, the hash of a client or of its network, was refused recently.
  bool was_refused(std::uint64_t who) const;
  void note_refusal(std::uint64_t who);
  // Whether one more connection is allowed; if so its cost is taken, and make() must follow.
  bool admit(const IpAddress& remote);
  Connection* make(const Endpoint& local, const Endpoint& remote, const FlowOptions& options);
  void mark(Connection& connection) {
    if (!connection.linked()) dirty_.push_back(connection);
  }
  // In end_of_batch(), flows take turns.
  bool others_wait() const { return in_turns_ && !dirty_.empty(); }
  void on_closed(Connection& connection);
  // Deletes the connections that are closed and released.
  void reap();

  Config config_;
  ip::Layer* ip_;
  SipKey table_key_;
  std::unique_ptr<Memory, Memory::Abandon> owned_memory_;
  Memory& memory_;
  InitialNumbers numbers_;
  SynCookies cookies_;
  PortChoice ports_;
  FastOpenServer fast_open_server_;
  SipKey fast_open_key_;
  std::uint32_t fast_open_epoch_ = 0;
  std::size_t pending_fast_opens_ = 0;
  std::unique_ptr<FastOpenCache> fast_open_cache_;

  std::vector<Entry*> buckets_;
  Entry* last_found_ = nullptr;
  List<Listener> listeners_;
  List<Connection> dirty_;
  List<Connection> dead_;
  List<Connection, Orphaned> orphan_list_;  // oldest first
  // Indexed by the number of SYN-ACK retransmissions; each list is in order of due time.
  std::array<List<HalfOpen>, 8> half_opens_;
  List<TimeWait> waits_;  // in order of `until`
  TimerHeap timers_;
  // Out-of-order data of all flows: list i has the queues of 2^(i-1) to 2^i - 1 pages, the last
  // list has all larger ones.
  std::array<List<ReorderQueue>, 12> reorders_;
  std::size_t nodes_ = 0;
  std::size_t connections_ = 0;
  std::size_t half_open_ = 0;
  std::size_t time_waits_ = 0;
  std::size_t orphans_ = 0;
  bool in_turns_ = false;
  Instant now_{};
  Instant cookies_until_{};
  RandomSource random_;
  Rate challenge_rate_;
  Rate reset_rate_;
  ip::RateLimit give_way_rate_{200, 50};  // per second: each check scans all connections
  struct Refusal {
    std::uint64_t who = 0;
    Instant until{};
  };
  std::array<Refusal, 64> refusals_{};  // indexed by `who`; a new entry replaces the old one
  std::array<Counter, kCounts> counters_;
};

// The fixed cost of a connection without its queues, as counted in the budget.
inline constexpr std::size_t kConnectionCost = 1024;
static_assert(sizeof(Connection) <= 904);

}  // namespace fata::tcp
