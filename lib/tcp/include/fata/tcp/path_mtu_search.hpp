// PathMtuSearch: what a connection knows of its path's MTU: the search by probes after a black hole
// (PLPMTUD, RFC 4821 section 7), and ICMP messages that are doubted (RFC 5927 section 7.2).
//
// The search tries the largest size first, then halves the rest. The words search_low, search_high
// and probed_size are RFC 4821's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "fata/tcp/segment.hpp"

namespace fata::tcp {

// 19 bytes, with padding 20. Sizes are in bytes and count a segment's data and options.
class PathMtuSearch {
 public:
  // A search that leaves less than this unknown is complete.
  static constexpr std::uint16_t kCloseEnough = 16;

  // The largest size known to pass; zero before the first black hole.
  std::uint16_t search_low() const { return low_; }
  // Zero if there is nothing to search.
  std::uint16_t search_high() const { return high_; }
  bool has_begun() const { return low_ != 0; }
  bool is_probing() const { return probed_ != 0; }
  std::uint16_t probed_size() const { return probed_; }

  // Full segments are lost repeatedly: only `size` is believed to pass. limit() starts the search.
  void begin(std::uint16_t size) {
    low_ = size;
    high_ = 0;
  }
  // The limit of the peer, the link and ICMP is `max`. Returns the size to use. The result of a
  // search is kept when that limit grows again. Only if has_begun().
  std::uint16_t limit(std::uint16_t max) {
    if (max <= low_) {
      low_ = max;
      high_ = 0;
      probed_ = 0;
    } else if (high_ == 0 || high_ > max) {
      high_ = max;
      lost_once_ = false;
      largest_first_ = true;
    }
    return low_;
  }

  // The size of the next probe. Only while search_high() is not zero.
  std::uint32_t next_size() const {
    return largest_first_ ? high_ : low_ + (high_ - low_ + 1U) / 2;
  }
  // A probe of `size` that ends at `end` is sent now.
  void start_probe(std::uint16_t size, Seq end) {
    probed_ = size;
    end_ = end;
  }
  // It could not be sent.
  void abandon_probe() { probed_ = 0; }
  // Whether the outstanding probe ends there.
  bool is_probe(Seq end) const { return probed_ != 0 && end == end_; }
  bool is_probe_acked(Seq ack) const { return probed_ != 0 && at_or_after(ack, end_); }
  // Call finish() afterwards.
  void on_probe_acked() {
    low_ = probed_;
    probed_ = 0;
    lost_once_ = false;
    largest_first_ = false;
  }
  // True if the size is given up; then call finish(). A size is tried twice, because other losses
  // occur too.
  [[nodiscard]] bool on_probe_lost() {
    const std::uint16_t size = std::exchange(probed_, std::uint16_t{0});
    lost_once_ = !lost_once_;
    if (lost_once_) return false;
    largest_first_ = false;
    high_ = static_cast<std::uint16_t>(size - 1);
    return true;
  }
  // Ends the search if search_low is close enough to search_high. True if the path has turned out
  // to carry less than the limit.
  [[nodiscard]] bool finish() {
    if (high_ >= low_ + kCloseEnough) return false;
    const bool all = high_ == low_;
    high_ = 0;
    return !all;
  }

  // A segment with `size` bytes of data was delivered.
  void on_delivered(std::uint16_t size) { carried_ = std::max(carried_, size); }
  // ICMP reports a path for segments of `size` bytes of data. The message may be forged: true if
  // the path has carried more.
  bool has_carried_more_than(std::uint32_t size) const { return size < carried_; }
  // The report of `mtu` takes effect if the data at `seq`, which it quotes, stays unacknowledged.
  void doubt(std::uint16_t mtu, Seq seq) {
    doubted_mtu_ = mtu;
    doubted_at_ = seq;
  }
  // After a timeout: the doubted MTU, once; zero if there is none.
  std::uint16_t take_doubted_mtu() { return std::exchange(doubted_mtu_, std::uint16_t{0}); }
  Seq doubted_at() const { return doubted_at_; }
  // The path has changed.
  void forget_carried() { doubted_mtu_ = carried_ = 0; }

 private:
  Seq end_ = 0;  // of the outstanding probe
  Seq doubted_at_ = 0;
  std::uint16_t low_ = 0;
  std::uint16_t high_ = 0;
  std::uint16_t probed_ = 0;
  std::uint16_t carried_ = 0;
  std::uint16_t doubted_mtu_ = 0;
  bool lost_once_ : 1 = false;
  bool largest_first_ : 1 = false;
};
static_assert(sizeof(PathMtuSearch) <= 20);

}  // namespace fata::tcp
