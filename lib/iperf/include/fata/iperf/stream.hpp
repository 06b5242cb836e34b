// A stream's counters, its datagram header, and a sender's pacing. All pure.
#pragma once

#include "fata/base/bytes.hpp"
#include "fata/base/time.hpp"
#include "fata/iperf/messages.hpp"

namespace fata::iperf {

// The first bytes of a datagram: the time of sending by the sender's clock, and a number counted
// from 1.
struct Stamp {
  Duration sent{};
  std::uint64_t number = 0;

  static constexpr std::size_t kSize = 12, kSize64 = 16;  // with a number of 32 or 64 bits
  static Stamp read(Bytes datagram, bool wide);           // zeros if it is too short
  void write(MutableBytes datagram, bool wide) const;
};

// The handshake of a UDP stream: four bytes each way in the sender's byte order; the current
// version and the older one.
bool is_hello(Bytes datagram);
std::array<std::byte, 4> hello();
std::array<std::byte, 4> hello_answer(Bytes hello);
bool is_hello_answer(Bytes datagram);

// Loss and jitter of one stream, as iperf3 counts them.
class Arrivals {
 public:
  // `now` is the receiver's clock; only differences matter.
  void add(const Stamp& stamp, Duration now);
  // Restarts the counts, but keeps the expected number.
  void restart();

  // The highest number received, counted from the start or the last restart().
  std::uint64_t highest() const { return highest_ - base_; }
  std::uint64_t lost() const { return lost_; }
  std::uint64_t out_of_order() const { return out_of_order_; }
  Duration jitter() const { return jitter_; }  // RFC 1889's, smoothed by 1/16

 private:
  std::uint64_t highest_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t out_of_order_ = 0;
  Duration jitter_{};
  Duration transit_{};
  bool first_ = true;
};

struct Stream {
  unsigned id = 0;
  bool sends = false;
  bool ended = false;
  std::uint64_t bytes = 0;
  std::uint64_t packets = 0;      // sent
  std::uint64_t number = 0;       // of the last datagram sent
  std::int64_t retransmits = -1;  // during the measured time; -1: unknown
  Arrivals arrivals;

  std::uint64_t interval_bytes = 0;  // since take_interval()
  std::uint64_t take_interval() { return std::exchange(interval_bytes, 0); }
  void count(std::size_t size) { bytes += size, interval_bytes += size; }
  void restart();
  StreamResult result(bool udp, Duration end) const;
};

// Pacing of a sender, for a rate in bits per second; 0 means no limit.
class Pace {
 public:
  Pace(std::uint64_t rate, Instant start)
      : bytes_a_second_(rate / 8), limited_(rate != 0), start_(start) {}

  // The number of blocks of that size to send now, at most `most`. A sender that falls more than a
  // tenth of a second behind does not catch up.
  std::size_t ready(Instant now, std::size_t block, std::size_t most);
  void sent(std::uint64_t bytes) { sent_ += bytes; }
  // The time at which the next block is due.
  Instant next() const;

 private:
  std::uint64_t due(Instant now) const;

  std::uint64_t bytes_a_second_;
  bool limited_;
  Instant start_;
  std::uint64_t sent_ = 0;
};

}  // namespace fata::iperf
