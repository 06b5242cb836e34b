// Connection: one TCP connection as a state machine (RFC 9293 section 3). Inputs are segments, user
// calls and time. Segments leave through the table's ip::Layer, events go to the observer. Created
// and owned by a Table.
#pragma once

#include <memory>
#include <optional>

#include "fata/base/list.hpp"
#include "fata/base/result.hpp"
#include "fata/base/timer_heap.hpp"
#include "fata/ip/transport.hpp"
#include "fata/tcp/ack_policy.hpp"
#include "fata/tcp/byte_queue.hpp"
#include "fata/tcp/config.hpp"
#include "fata/tcp/ecn_state.hpp"
#include "fata/tcp/entry.hpp"
#include "fata/tcp/fast_open.hpp"
#include "fata/tcp/path_mtu_search.hpp"
#include "fata/tcp/prr.hpp"
#include "fata/tcp/receive_state.hpp"
#include "fata/tcp/reorder_queue.hpp"
#include "fata/tcp/scoreboard.hpp"
#include "fata/tcp/segment.hpp"
#include "fata/tcp/send_state.hpp"
#include "fata/tcp/tail_probe.hpp"
#include "fata/tcp/undo_detector.hpp"

namespace fata::tcp {

class Table;
class Connection;
struct Listener;

enum class State : std::uint8_t {
  kClosed,
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};
std::string_view name(State state);

enum class TcpErrc : std::uint32_t {
  kTimedOut = 1,
  kNoMemory,
  kPortInUse,
  kNoFreePort,
  kNotOurAddress,
  kTooMany
};
const ErrorDomain& error_domain(TcpErrc) noexcept;

inline std::uint32_t seconds_of(Instant now) {
  return static_cast<std::uint32_t>(now.ns / 1'000'000'000);
}

// A received segment: its header and data.
struct Segment {
  Header header;
  Slice payload;
  BufferChain more;
  std::uint32_t length = 0;  // of the data
  ip::Ecn ecn = ip::Ecn::kNotCapable;

  Seq end() const {
    return header.seq + length + (header.has(kSyn) ? 1 : 0) + (header.has(kFin) ? 1 : 0);
  }
  void trim_front(std::uint32_t count);
  void truncate(std::uint32_t to);
};

// Receives a connection's events. The call comes from within the table's work: record the event and
// wake a task, but do not call back.
class Observer {
 public:
  enum Event : unsigned { kConnected = 1, kReadable = 2, kWritable = 4, kEnded = 8 };
  virtual void on_events(unsigned events) noexcept = 0;

 protected:
  ~Observer() = default;
};

struct ConnectionStats {
  Endpoint local, remote;
  State state;
  std::uint32_t cwnd, ssthresh, in_flight;
  Duration srtt, rto;
  std::uint32_t retransmits;
  std::uint32_t send_queue, receive_queue, reorder_queue;
  std::uint32_t send_window, receive_window, mss;
  std::uint64_t sent, received;  // acknowledged data, and data delivered in order
};

struct Orphaned;  // tag of the list of connections released by their users

// The place of a passive connection in its listener's queue.
struct Acceptable {
  Listener* listener = nullptr;  // until it is accepted
  Connection* next_to_accept = nullptr;
};

// What a connection leaves for TIME-WAIT.
struct LastNumbers {
  Seq snd_nxt = 0;
  Seq rcv_nxt = 0;
  std::uint32_t ts_recent = 0;
  std::uint32_t ts_offset = 0;
  std::uint32_t window = 0;  // in bytes
  std::uint8_t shift = 0;    // of the window field
  bool timestamps = false;
};

class Connection final : public Entry,
                         public Acceptable,
                         public ListNode<Connection>,
                         public ListNode<Connection, Orphaned>,
                         private Timer {
 public:
  using ListNode<Connection>::linked;
  using ListNode<Connection>::unlink;

  ~Connection();

  State state() const { return state_; }
  // The reason for an abnormal end.
  std::optional<Error> error() const { return failed_ ? std::optional(error_) : std::nullopt; }
  ConnectionStats stats() const;
  void observe(Observer* observer) { observer_ = observer; }

  // User calls (RFC 9293 section 3.10). None of them blocks.
  // write() takes bytes from the front of `data` as far as there is room and returns their number;
  // push() sends them.
  std::size_t write(Slice& data, Instant now);
  bool can_write() const;  // the state allows sending; else error() or "closed for writing"
  std::size_t room() const;
  void push(Instant now);
  // The next bytes; empty if there are none yet, or at the end: see at_end().
  Slice read(Instant now);
  bool readable() const { return !receive_.empty(); }
  bool at_end() const { return rcv_.fin_received && receive_.empty(); }
  void shutdown(Instant now);
  // Fast Open: the SYN waits briefly for the first data.
  bool awaits_data() const { return syn_deferred_; }
  void abort(Instant now);

  FlowOptions& options() { return options_; }
  void set_options(const FlowOptions& options, Instant now);

  // For the table that owns it, which alone may call what follows.
  Connection(Table& table, const Endpoint& local, const Endpoint& remote,
             const FlowOptions& options);
  // An active open (RFC 9293 section 3.10.1).
  void open(Observer* observer, Instant now);
  // A passive open: takes the state from the peer's SYN. `ecn`: it was agreed on.
  struct PassiveOpen {
    Listener* listener;
    Seq iss;
    std::uint32_t ts_offset;
    bool ecn;
  };
  void open_passively(const PassiveOpen& how, const Header& syn, Instant now);
  // The segment that completes the handshake, which may carry data. `round_trip`: of the SYN-ACK,
  // if it was sent only once. False if the segment does not complete it after all.
  bool complete_handshake(Segment& segment, std::optional<Duration> round_trip, Instant now);
  // Fast Open: takes the data of the SYN and sends the SYN-ACK.
  void accept_early_data(Segment& syn, Instant now);
  void receive(Segment& segment, Instant now);
  void icmp_error(const ip::IcmpError& error, Instant now);
  void output(Instant now);
  void release(Instant now);
  void close();
  // The table no longer handles it.
  bool gone() const { return state_ == State::kClosed || state_ == State::kTimeWait; }
  bool synchronized() const { return state_ >= State::kEstablished; }
  bool is_orphan() const { return orphan_; }
  bool is_observed() const { return observer_ != nullptr; }
  bool holds_data() const { return send_.size() != 0 || receive_.size() != 0; }
  Instant last_received() const { return last_received_; }
  std::uint8_t link() const { return link_; }
  // If the user has closed it: seconds since the peer acknowledged something.
  std::uint16_t quiet_s(Instant now) const {
    return static_cast<std::uint16_t>(seconds_of(now) - closing_from_s_);
  }

 private:
  enum class RetransmitTimer : std::uint8_t { kOff, kTimeout, kTailProbe, kReorder, kWindowProbe };
  enum class Recovery : std::uint8_t { kOpen, kRecovery, kLoss };

  // connection.cpp: lifetime and user calls
  void become_established(Instant now);
  void abort(Error why, Instant now);
  void fail(Error why);
  void enter_time_wait(Instant now);
  void notify(unsigned events) {
    if (observer_ != nullptr) observer_->on_events(events);
  }
  // RFC 7413 section 4.2: a client with a valid cookie is answered before the handshake completes.
  bool may_send() const { return synchronized() || (fast_open_ && state_ == State::kSynReceived); }
  // As a server, from the SYN until the handshake completes.
  bool is_pending_fast_open() const {
    return passive_ && fast_open_ && state_ == State::kSynReceived;
  }
  void set_mss();
  ip::Marks marks() const {
    ip::Marks marks = options_.marks();
    marks.may_fragment = may_fragment_;
    return marks;
  }
  void refresh_path(Instant now);

  // input.cpp
  void receive_in_syn_sent(Segment& segment, Instant now);
  [[gnu::noinline]] bool end_handshake(Segment& segment, Instant now);
  void note_arrival(const Header& header, Instant now);
  bool paws_rejects(const Segment& segment, Instant now) const;
  void receive_data(Segment& segment, Instant now);
  void receive_fin(Instant now);
  void take_in_order(Segment& segment);
  bool take_by_making_room(Slice& piece);
  // RCV.NXT follows the data that was put in order.
  void take_delivered() {
    delivered_in_ += receive_.end() - rcv_.nxt;
    rcv_.nxt = receive_.end();
  }
  void take_out_of_order(Segment& segment, bool fin_again);
  bool has_out_of_order() const { return reorder_ != nullptr && !reorder_->empty(); }
  bool make_reorder_queue();
  [[gnu::noinline]] void deliver_reordered(Seq arrived);
  void drop_out_of_order();
  void peer_options(const Options& options);
  void challenge(Instant now);
  bool is_hard(const ip::IcmpError& error) const;

  // acknowledge.cpp
  bool process_ack(const Segment& segment, Instant now);
  void after_tail_loss(std::uint32_t prior_flight);
  void process_sack(const Options& options, Seq ack, std::optional<std::uint32_t> echo, Instant now,
                    Delivery& got);
  void recover(const Delivery& got, std::uint32_t advanced, std::uint32_t prior_flight,
               bool duplicate, bool marked, Instant now);
  void enter_recovery(std::uint32_t prior_flight);
  void undo();
  void update_window(const Header& header);
  bool fin_is_acked() const { return fin_sent_ && snd_.una == snd_.nxt; }
  void after_fin_acked(Instant now);
  std::optional<std::uint32_t> echo_of(const Options& options) const;

  // plpmtud.cpp: the path MTU, from ICMP and from probing (RFC 4821)
  void hear_too_big(const ip::IcmpError& error, Seq seq, Instant now);
  void believe_too_big(std::uint16_t mtu, Instant now);
  void begin_search(Instant now);
  // Whether the known path MTU is so small that routers should fragment larger packets.
  bool yields_to_fragments() const {
    return (small_peer_ || (mtu_search_.has_begun() && mtu_search_.search_low() <= kSmallestMss)) &&
           remote.address.is_v4();
  }
  void send_path_probe(Instant now);
  void path_probe_acked(Instant now);
  // True if the loss just detected is exactly one path probe, which is not a sign of congestion.
  bool path_probe_was_lost(std::uint32_t lost, Instant now);
  void path_probe_failed(Instant now);
  void end_search(Instant now);

  // output.cpp
  bool send_lost(Instant now);
  bool send_new(Instant now);
  // False if there was no buffer; then the state is unchanged.
  bool send_data(SeqRange range, bool again, Instant now);
  [[gnu::noinline]] std::uint32_t place(PacketBuf& packet, Seq begin, std::uint32_t length,
                                        std::size_t header_length, std::uint32_t segment);
  // Whether this flow must pause, for a full device or another flow's turn; if so, it is marked to
  // resume later.
  [[gnu::noinline]] bool must_wait(std::uint32_t sent);
  void send_control(std::uint8_t flags, Seq seq, Instant now);
  void send_syn(Instant now);
  void start_handshake(Instant now);
  void send_syn_data(Header& header, Instant now);
  void send_ack(Instant now) { send_control(kAck, snd_.nxt, now); }
  void fill_header(Header& header, Instant now, bool with_data = false);
  void report_sack(Header& header, bool with_data);
  std::uint32_t window_to_offer() const;
  void consider_window_update(Instant now);

  // timers.cpp
  void on_timer() noexcept override;
  void run_timers(Instant now);
  void on_retransmit_timer(Instant now);
  void on_timeout(Instant now);
  void on_tail_probe(Instant now);
  void on_window_probe(Instant now);
  void on_life_timer(Instant now);
  void restart_retransmit_timer(Instant now);
  void touch_life_timer(Instant now);
  void arm();
  Duration rto() const;
  Duration time_to_give_up(Instant now) const;
  void note_closing(Instant now);
  bool closed_for_too_long(Instant now);
  Error silence() const;

  Seq fin_seq() const { return send_.end(); }
  std::uint32_t unsent() const { return fin_sent_ ? 0 : send_.end() - snd_.nxt; }
  std::uint32_t within_buffers(std::uint32_t length);
  std::uint32_t pipe() const;
  std::uint32_t used_window() const;
  // Records whether the congestion window limits sending; call when it or the pipe has changed.
  void note_limit() { window_limited_ = pipe() + mss_ > congestion_.cwnd(); }
  std::size_t reserve() const;
  std::uint32_t timestamp(Instant now) const;

  Table* table_;
  Observer* observer_ = nullptr;

  ByteQueue send_;
  ByteQueue receive_;
  // Null before the first out-of-order data and after all of it is delivered.
  std::unique_ptr<ReorderQueue> reorder_;
  Scoreboard board_;
  CongestionControl congestion_;
  RttEstimator rtt_;
  Prr prr_;
  std::uint32_t retransmits_ = 0;

  AckPolicy acks_;

  // Deadlines; never() if not running.
  Instant retransmit_at_ = Instant::never();
  Instant life_at_ = Instant::never();
  Instant pace_at_ = Instant::never();
  Instant last_received_{};
  Instant last_sent_{};
  std::uint64_t delivered_in_ = 0;
  std::uint64_t acked_out_ = 0;
  Error error_ = TcpErrc::kTimedOut;  // if failed_

  // Small members lie in the padding of the part in front of them.
  [[no_unique_address]] SendState snd_;
  std::uint8_t confirmed_s_ = 0;  // low bits of the second in which the neighbour was confirmed
  std::uint8_t link_ = ip::kNoLink;
  std::uint8_t attempts_ = 0;  // consecutive timeouts
  ReceiveState rcv_;
  Seq recover_ = 0;  // SND.NXT when the loss was detected
  [[no_unique_address]] TailProbe tail_probe_;
  std::uint8_t probes_ = 0;  // unanswered keepalives
  std::uint16_t duplicates_ = 0;
  [[no_unique_address]] EcnState ecn_;
  bool sack_ = false;
  std::uint16_t closing_from_s_ = 0;
  [[no_unique_address]] UndoDetector undo_;
  State state_ = State::kClosed;
  RetransmitTimer retransmit_timer_ = RetransmitTimer::kOff;
  Recovery recovery_ = Recovery::kOpen;
  [[no_unique_address]] PathMtuSearch mtu_search_;
  bool timestamps_ = false;
  std::uint32_t silent_from_ms_ = 0;  // if attempts_: the start of the peer's silence
  std::uint32_t ts_offset_ = 0;
  std::uint32_t ts_recent_ = 0;
  std::uint32_t path_checked_s_ = 0;
  std::uint32_t ts_recent_at_s_ = 0;
  Seq closing_una_ = 0;  // if fin_queued_: SND.UNA at closing_from_s_
  SeqRange dsack_{};
  std::uint32_t gso_max_ = 0;
  std::uint16_t gso_segments_ = ip::Path::kAnySegments;
  std::uint16_t mtu_ = 1500;

  FlowOptions options_;
  std::uint16_t mss_ = 536;  // data of a full segment, without options
  std::uint16_t peer_mss_ = 536;

  bool failed_ : 1 = false;
  bool scaling_ : 1 = false;
  bool fin_queued_ : 1 = false;
  bool fin_sent_ : 1 = false;
  bool orphan_ : 1 = false;
  bool passive_ : 1 = false;
  bool write_blocked_ : 1 = false;
  bool checksum_ : 1 = false;  // the device completes checksums
  bool window_limited_ : 1 = false;
  bool soft_error_ : 1 = false;
  bool probing_ : 1 = false;
  bool fast_open_ : 1 = false;  // requested, or used by the peer
  bool syn_deferred_ : 1 = false;
  bool offered_ : 1 = false;
  bool small_peer_ : 1 = false;    // it may have requested smaller segments than it gets
  bool may_fragment_ : 1 = false;  // IPv4 without DF
};

}  // namespace fata::tcp
