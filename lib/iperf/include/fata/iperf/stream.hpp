// What one stream of a test counts; the header of its datagrams; and the pace of a sender. All
// pure.
#pragma once

#include "fata/base/bytes.hpp"
#include "fata/base/time.hpp"
#include "fata/iperf/messages.hpp"

namespace fata::iperf {

// The first bytes of a datagram: when it was sent, by the sender's clock, and its number, counted
// from 1.
struct Stamp {
  Duration sent{};
  std::uint64_t number = 0;

  static constexpr std::size_t kSize = 12, kSize64 = 16;  // with a number of 32 or 64 bits
  static Stamp read(Bytes datagram, bool wide);           // zeros if it is too short
  void write(MutableBytes datagram, bool wide) const;
};

// The first exchange of a stream over UDP, four bytes each way in the order of the machine that
// wrote them; today's and the former.
bool is_hello(Bytes datagram);
std::array<std::byte, 4> hello();
std::array<std::byte, 4> hello_answer(Bytes hello);
bool is_hello_answer(Bytes datagram);

// Loss and jitter of one stream, as iperf3 counts them.
class Arrivals {
 public:
  // `now` is of the receiver's clock: only differences count.
  void add(const Stamp& stamp, Duration now);
  // From here on, without forgetting which number comes next.
  void restart();

  // number, of all that were sent since the start.
  std::uint64_t highest() const { return highest_ - base_; }
  std::uint64_t lost() const { return lost_; }
  std::uint64_t out_of_order() const { return out_of_order_; }
  Duration jitter() const { return jitter_; }  // RFC 1889's, smoothed by 16

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
  std::int64_t retransmits = -1;  // of the time measured; unknown
  Arrivals arrivals;

  std::uint64_t interval_bytes = 0;  // since take_interval()
  std::uint64_t take_interval() { return std::exchange(interval_bytes, 0); }
  void count(std::size_t size) { bytes += size, interval_bytes += size; }
  void restart();
  StreamResult result(bool udp, Duration end) const;
};

// When a sender may send, for a rate in bits a second; 0 is no limit.
class Pace {
 public:
  Pace(std::uint64_t rate, Instant start)
      : bytes_a_second_(rate / 8), limited_(rate != 0), start_(start) {}

  // How many blocks of so many bytes may go now, at most `most`. Who falls over a tenth of a second
  // behind does not catch up.
  std::size_t ready(Instant now, std::size_t block, std::size_t most);
  void sent(std::uint64_t bytes) { sent_ += bytes; }
  // When the next block may go.
  Instant next() const;

 private:
  std::uint64_t due(Instant now) const;

  std::uint64_t bytes_a_second_;
  bool limited_;
  Instant start_;
  std::uint64_t sent_ = 0;
};

}  // namespace fata::iperf
