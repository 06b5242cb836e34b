// Scoreboard: what is outstanding, when it was sent, what of it arrived or is lost: RACK's side of
// RACK-TLP (RFC 8985), with SACK (RFC 6675's pipe) below it.
//
// There is a record for each packet sent, and no record of less than a segment as it was sent: of
// one that the peer reports in part only nothing has arrived. So the peer cannot make many of few.
// Records are drawn from the TCP's memory.
#pragma once

#include <optional>

#include "fata/base/time.hpp"
#include "fata/net/tcp/ring.hpp"
#include "fata/net/tcp/sequence.hpp"

namespace fata::net::tcp {

// What one ACK brought.
struct Delivery {
  std::uint32_t bytes = 0;            // newly known to have arrived
  std::uint32_t longest = 0;          // of the stretches that arrived, each sent at once
  Duration rtt{};                     // of the newest that was sent once; zero: none
  bool retransmission = false;        // something acknowledged had been sent more than once
  std::optional<std::uint32_t> echo;  // see Scoreboard::acked
};

class Scoreboard {
 public:
  // At kMostSent new segments wait for ACKs, at kMost a report of what has arrived is ignored where
  // it would need a record more (RFC 2018 section 8 lets a sender do so).
  static constexpr std::uint32_t kMostSent = 4096;
  static constexpr std::uint32_t kMost = 8192;

  // A null memory has no bound.
  explicit Scoreboard(Memory* memory = nullptr) : memory_(memory) {}

  bool full() const { return records_.size() >= kMostSent; }
  std::uint32_t records() const { return records_.size(); }
  bool empty() const { return records_.empty(); }
  std::uint32_t sacked() const { return sacked_; }
  std::uint32_t lost() const { return lost_; }
  // Bytes believed to be in the network.
  std::uint32_t in_flight() const { return outstanding() - sacked_ - lost_; }
  std::uint32_t outstanding() const {
    return empty() ? 0 : records_.back().end - records_.front().begin;
  }

  // Whether what is sent next can be recorded: room for one more, and memory for it.
  [[nodiscard]] bool reserve() { return records_.reserve(memory_); }
  // New data (or a FIN) was sent, in one packet of segments of `segment` bytes (0: of one); `begin`
  // is where the last ended. After reserve().
  void sent(SeqRange range, Instant now, std::uint32_t segment = 0);
  // `echo`: when the segment was sent whose timestamp the ACK echoes, in the milliseconds of
  // timestamp_clock, if it does.
  void acked(Seq una, Instant now, std::optional<std::uint32_t> echo, Duration min_rtt,
             Delivery& out);
  void sacked(SeqRange range, Instant now, std::optional<std::uint32_t> echo, Duration min_rtt,
              Delivery& out);
  // A peer without SACK: a duplicate ACK says that `bytes` more arrived, somewhere (RFC 6582).
  bool is_first_sacked() const { return !empty() && (records_.front().flags & kSacked) != 0; }
  bool is_first_lost() const { return !empty() && (records_.front().flags & kLost) != 0; }

  struct Detection {
    std::uint32_t bytes = 0;  // newly lost
    Duration wait{};          // zero: none; else when to look again
  };
  // RFC 8985 section 6.2 step 5. `mss` and `recovering` decide whether reordering is waited for.
  Detection detect(Instant now, Duration min_rtt, Duration srtt, std::uint32_t mss,
                   bool recovering);
  // RFC 8985 section 6.3: the first segment, and all that are overdue.
  void on_timeout(Instant now, Duration min_rtt, Duration srtt, std::uint32_t mss);
  // The first `bytes` bytes, if they are not sacked or lost already; gives how many were marked.
  std::uint32_t mark_first_lost(std::uint32_t bytes);
  void mark_all_lost();
  void unmark_lost();
  // The receiver may drop what it sacked (RFC 2018 section 8).
  void forget_sacks();

  // The first stretch of lost bytes, `most` bytes at most.
  std::optional<SeqRange> first_lost(std::uint32_t most);
  void retransmitted(SeqRange range, Instant now, std::uint32_t segment = 0);

  // RFC 8985 section 6.2 step 4.
  void on_dsack(Seq una, Seq nxt);
  void on_recovered();
  bool reordering_seen() const { return reordering_seen_; }
  // When the last stretch was sent that the peer reported; for tail loss probes.
  Duration rack_rtt() const { return rack_rtt_; }
  Instant first_sent() const { return empty() ? Instant{} : records_.front().sent; }
  SeqRange first() const {
    return empty() ? SeqRange{} : SeqRange{records_.front().begin, records_.front().end};
  }
  SeqRange last() const {
    return empty() ? SeqRange{} : SeqRange{records_.back().begin, records_.back().end};
  }
  // The stretch that was sent with `at` in it; empty if that is not outstanding.
  SeqRange stretch_at(Seq at) const;
  void clear();

 private:
  enum : std::uint8_t { kSacked = 1, kLost = 2, kRetransmitted = 4 };
  struct Record {
    Instant sent{};
    Seq begin = 0;
    Seq end = 0;
    std::uint16_t segment = 0;  // bytes of those that it was sent in; 0: in one
    std::uint16_t skew = 0;     // bytes of the first of them that lie before `begin`
    std::uint8_t flags = 0;
    std::uint32_t size() const { return end - begin; }
  };

  std::uint32_t find(Seq at) const;
  // False if there is no record for it: then nothing has happened.
  bool split(std::uint32_t i, Seq at);
  static void cut_front(Record& record, Seq to);
  static SeqRange whole_segments(const Record& record, SeqRange part);
  bool mark_arrived(std::uint32_t& i, SeqRange part);
  bool is_older(const Record& record) const {
    return record.sent < rack_sent_ || (record.sent == rack_sent_ && before(record.end, rack_end_));
  }
  void judge(Record& record, Duration patience, Instant now, Detection& found);
  void judge_first_transmissions(Duration patience, Instant now, Detection& found);
  // After flags were taken back.
  void look_at_all();
  void judge_retransmissions(Duration patience, Instant now, Detection& found);
  void deliver(const Record& record, SeqRange part, Instant now, std::optional<std::uint32_t> echo,
               Duration min_rtt, Delivery& out);
  void mark_lost(Record& record);
  Duration reorder_window(Duration min_rtt, Duration srtt, std::uint32_t mss,
                          bool recovering) const;

  Memory* memory_;
  Ring<Record, 2> records_;                // contiguous
  Instant rack_sent_{};                    // of the delivered segment sent last
  Instant again_from_ = Instant::never();  // no retransmission in flight was sent before
  Duration rack_rtt_{};
  Seq rack_end_ = 0;
  Seq highest_ = 0;  // end of the delivered segment highest in sequence
  Seq dsack_round_ = 0;
  Seq lost_from_ = 0;   // nothing before it is lost
  Seq fresh_from_ = 0;  // all before it arrived, is lost, or was sent again
  std::uint32_t sacked_ = 0;
  std::uint32_t lost_ = 0;
  std::uint8_t window_mult_ = 1;
  std::uint8_t window_persist_ = 16;
  bool any_delivered_ : 1 = false;
  bool reordering_seen_ : 1 = false;
  bool in_dsack_round_ : 1 = false;
};

}  // namespace fata::net::tcp
