// Scoreboard: outstanding data with its send times, and its delivered and lost parts: the RACK half
// of RACK-TLP (RFC 8985), based on SACK (RFC 6675's pipe).
//
// There is one record for each packet sent. SACKs split records only at segment boundaries: a
// partly SACKed segment counts as not delivered. A peer can therefore not multiply records. Records
// are allocated from the TCP's memory.
#pragma once

#include <optional>

#include "fata/base/time.hpp"
#include "fata/tcp/ring.hpp"
#include "fata/tcp/segment.hpp"

namespace fata::tcp {

// The effect of one ACK.
struct Delivery {
  std::uint32_t bytes = 0;            // newly known to be delivered
  std::uint32_t longest = 0;          // the longest range delivered in one record
  Duration rtt{};                     // of the newest data sent only once; zero: none
  bool retransmission = false;        // some of the data had been sent more than once
  std::optional<std::uint32_t> echo;  // see Scoreboard::acked
};

class Scoreboard {
 public:
  // At kMaxSent records, new segments wait for ACKs. At kMax, a SACK that needs one more record
  // is ignored (RFC 2018 section 8 permits this).
  static constexpr std::uint32_t kMaxSent = 4096;
  static constexpr std::uint32_t kMax = 8192;

  // A null memory has no limit.
  explicit Scoreboard(Memory* memory = nullptr) : memory_(memory) {}

  bool full() const { return records_.size() >= kMaxSent; }
  std::uint32_t records() const { return records_.size(); }
  bool empty() const { return records_.empty(); }
  std::uint32_t sacked() const { return sacked_; }
  std::uint32_t lost() const { return lost_; }
  // Bytes believed to be in the network.
  std::uint32_t in_flight() const { return outstanding() - sacked_ - lost_; }
  std::uint32_t outstanding() const {
    return empty() ? 0 : records_.back().end - records_.front().begin;
  }

  // Whether the next packet can be recorded: there is room for one more record, and memory for it.
  [[nodiscard]] bool reserve() { return records_.reserve(memory_); }
  // Records new data (or a FIN) sent in one packet of segments of `segment` bytes (0: one segment).
  // `begin` is the end of the previous record. Call after reserve().
  void sent(SeqRange range, Instant now, std::uint32_t segment = 0);
  // `echo`: the send time, in milliseconds of timestamp_clock, of the segment whose timestamp the
  // ACK echoes, if any.
  void acked(Seq una, Instant now, std::optional<std::uint32_t> echo, Duration min_rtt,
             Delivery& out);
  void sacked(SeqRange range, Instant now, std::optional<std::uint32_t> echo, Duration min_rtt,
              Delivery& out);
  // The first record is SACKed only if the receiver discarded data after reporting it.
  bool is_first_sacked() const { return !empty() && (records_.front().flags & kSacked) != 0; }
  bool is_first_lost() const { return !empty() && (records_.front().flags & kLost) != 0; }

  struct Detection {
    std::uint32_t bytes = 0;  // newly lost
    Duration wait{};          // zero: none; else the time until the next check
  };
  // RFC 8985 section 6.2 step 5. `mss` and `recovering` decide whether to wait for reordering.
  Detection detect(Instant now, Duration min_rtt, Duration srtt, std::uint32_t mss,
                   bool recovering);
  // RFC 8985 section 6.3: marks the first segment and all overdue ones as lost.
  void on_timeout(Instant now, Duration min_rtt, Duration srtt, std::uint32_t mss);
  // Marks the first `bytes` bytes as lost unless they are already SACKed or lost; returns the
  // number marked.
  std::uint32_t mark_first_lost(std::uint32_t bytes);
  void mark_all_lost();
  void unmark_lost();
  // Called when the receiver may have dropped SACKed data (RFC 2018 section 8).
  void forget_sacks();

  // The first range of lost data, at most `most` bytes.
  std::optional<SeqRange> first_lost(std::uint32_t most);
  void retransmitted(SeqRange range, Instant now, std::uint32_t segment = 0);

  // RFC 8985 section 6.2 step 4.
  void on_dsack(Seq una, Seq nxt);
  void on_recovered();
  bool reordering_seen() const { return reordering_seen_; }
  // RACK.rtt: the round trip of the most recently sent segment that was delivered.
  Duration rack_rtt() const { return rack_rtt_; }
  Instant first_sent() const { return empty() ? Instant{} : records_.front().sent; }
  SeqRange first() const {
    return empty() ? SeqRange{} : SeqRange{records_.front().begin, records_.front().end};
  }
  SeqRange last() const {
    return empty() ? SeqRange{} : SeqRange{records_.back().begin, records_.back().end};
  }
  // The record that contains `at`; empty if it is not outstanding.
  SeqRange stretch_at(Seq at) const;
  void clear();

 private:
  enum : std::uint8_t { kSacked = 1, kLost = 2, kRetransmitted = 4 };
  struct Record {
    Instant sent{};
    Seq begin = 0;
    Seq end = 0;
    std::uint16_t segment = 0;  // size of its segments in bytes; 0: a single segment
    std::uint16_t skew = 0;     // bytes of the first segment that lie before `begin`
    std::uint8_t flags = 0;
    std::uint32_t size() const { return end - begin; }
  };

  std::uint32_t find(Seq at) const;
  // False, without effect, if no record is available.
  bool split(std::uint32_t i, Seq at);
  static void cut_front(Record& record, Seq to);
  static SeqRange whole_segments(const Record& record, SeqRange part);
  bool mark_arrived(std::uint32_t& i, SeqRange part);
  bool is_older(const Record& record) const {
    return record.sent < rack_sent_ || (record.sent == rack_sent_ && before(record.end, rack_end_));
  }
  void judge(Record& record, Duration loss_timeout, Instant now, Detection& found);
  void judge_first_transmissions(Duration loss_timeout, Instant now, Detection& found);
  // After flags were cleared: all records are checked again.
  void look_at_all();
  void judge_retransmissions(Duration loss_timeout, Instant now, Detection& found);
  void deliver(const Record& record, SeqRange part, Instant now, std::optional<std::uint32_t> echo,
               Duration min_rtt, Delivery& out);
  void mark_lost(Record& record);
  Duration reorder_window(Duration min_rtt, Duration srtt, std::uint32_t mss,
                          bool recovering) const;

  Memory* memory_;
  Ring<Record, 2> records_;  // contiguous
  Instant rack_sent_{};      // of the most recently sent segment that was delivered
  // No retransmission in flight was sent before this.
  Instant again_from_ = Instant::never();
  Duration rack_rtt_{};
  Seq rack_end_ = 0;
  Seq highest_ = 0;  // end of the delivered segment with the highest sequence number
  Seq dsack_round_ = 0;
  Seq lost_from_ = 0;   // nothing before it is lost
  Seq fresh_from_ = 0;  // all data before it was delivered, lost or retransmitted
  std::uint32_t sacked_ = 0;
  std::uint32_t lost_ = 0;
  std::uint8_t window_mult_ = 1;
  std::uint8_t window_persist_ = 16;
  bool any_delivered_ : 1 = false;
  bool reordering_seen_ : 1 = false;
  bool in_dsack_round_ : 1 = false;
};

}  // namespace fata::tcp
