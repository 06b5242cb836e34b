// Test: the state of a running test at either end, and its textual form. Pure.
#pragma once

#include <vector>

#include "fata/iperf/stream.hpp"

namespace fata::iperf {

class Test {
 public:
  // Streams are in order of opening; `server` selects the server's view.
  Test(const Parameters& parameters, bool server);

  const Parameters& parameters() const { return parameters_; }
  std::vector<Stream>& streams() { return streams_; }
  const std::vector<Stream>& streams() const { return streams_; }
  Stream& stream(std::size_t index) { return streams_[index]; }

  void begin(Instant now) { started_ = now; }
  // Discards the time before `now`.
  void restart(Instant now);
  void end(Instant now) { ended_ = now; }
  Duration elapsed(Instant now) const { return (ended_.is_never() ? now : ended_) - started_; }
  bool over() const { return !ended_.is_never(); }

  // Bytes left to send in all streams; unlimited for a test by time.
  std::uint64_t left_to_send() const { return left(true); }
  // True once the requested amount was sent or received.
  bool complete() const { return left(true) == 0 || left(false) == 0; }
  std::uint64_t total(bool sent) const;

  Results results(Instant now, bool knows_retransmits, std::uint32_t cpu_permille) const;

 private:
  std::uint64_t left(bool sent) const;

  Parameters parameters_;
  std::vector<Stream> streams_;
  Instant started_{};
  Instant ended_ = Instant::never();
};

// "1.25 GBytes" in powers of 1024, as in iperf3, and "10.7 Gbits/s" in powers of 1000.
struct Volume {
  std::uint64_t bytes;
};
struct Speed {
  std::uint64_t bytes;
  Duration in;
};
void write_text(TextWriter& out, Volume volume);
void write_text(TextWriter& out, Speed speed);

// "2.50-3.00  s  12.5 MBytes  210 Mbits/s": a line of the regular report, for the bytes of one
// interval.
void write_interval(TextWriter& out, Duration from, Duration to, std::uint64_t bytes);
// "TCP, 4 streams, received 1.25 GBytes in 10.0 s, 1.07 Gbits/s", from this end's counts.
void write_summary(TextWriter& out, const Test& test, Instant now);

}  // namespace fata::iperf
