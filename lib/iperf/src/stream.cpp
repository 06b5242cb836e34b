#include "fata/iperf/stream.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace fata::iperf {

namespace {

constexpr std::uint32_t kHello = 0x36373839, kAnswer = 0x39383736;
constexpr std::uint32_t kOldHello = 123456789, kOldAnswer = 987654321;

std::uint32_t read_either(Bytes datagram, std::uint32_t a, std::uint32_t b) {
  if (datagram.size() < 4) return 0;
  for (const std::uint32_t value :
       {load_le<std::uint32_t>(datagram), load_be<std::uint32_t>(datagram)}) {
    if (value == a || value == b) return value;
  }
  return 0;
}
std::array<std::byte, 4> bytes_of(std::uint32_t value) {
  return std::bit_cast<std::array<std::byte, 4>>(value);
}

}  // namespace

Stamp Stamp::read(Bytes datagram, bool wide) {
  ByteReader in(datagram);
  const std::uint32_t seconds_part = in.u32();
  const std::uint32_t microseconds_part = in.u32();
  const std::uint64_t number = wide ? in.u64() : in.u32();
  if (!in.ok()) return {};
  return {seconds(seconds_part) + microseconds(microseconds_part), number};
}

void Stamp::write(MutableBytes datagram, bool wide) const {
  ByteWriter out(datagram);
  out.u32(static_cast<std::uint32_t>(sent.s()));
  out.u32(static_cast<std::uint32_t>(sent.us() % 1'000'000));
  wide ? out.u64(number) : out.u32(static_cast<std::uint32_t>(number));
}

bool is_hello(Bytes datagram) { return read_either(datagram, kHello, kOldHello) != 0; }
std::array<std::byte, 4> hello() { return bytes_of(kHello); }
std::array<std::byte, 4> hello_answer(Bytes hello) {
  return bytes_of(read_either(hello, kHello, kOldHello) == kOldHello ? kOldAnswer : kAnswer);
}
bool is_hello_answer(Bytes datagram) { return read_either(datagram, kAnswer, kOldAnswer) != 0; }

void Arrivals::add(const Stamp& stamp, Duration now) {
  if (stamp.number > highest_) {
    lost_ += stamp.number - highest_ - 1;
    highest_ = stamp.number;
  } else {
    // Late: already counted as lost.
    ++out_of_order_;
    if (lost_ != 0) --lost_;
  }
  const Duration transit = now - stamp.sent;
  if (!std::exchange(first_, false)) {
    const Duration change{transit > transit_ ? (transit - transit_).ns : (transit_ - transit).ns};
    jitter_ = jitter_ + (change - jitter_) / 16;
  }
  transit_ = transit;
}

void Arrivals::restart() {
  base_ = highest_;
  lost_ = out_of_order_ = 0;
  jitter_ = {};
}

void Stream::restart() {
  bytes = packets = interval_bytes = 0;
  arrivals.restart();
}

StreamResult Stream::result(bool udp, Duration end) const {
  StreamResult result{.id = id, .bytes = bytes, .retransmits = retransmits, .end = end};
  if (udp) {
    result.packets = sends ? packets : arrivals.highest();
    result.errors = sends ? 0 : arrivals.lost();
    result.jitter = sends ? Duration{} : arrivals.jitter();
  }
  return result;
}

std::uint64_t Pace::due(Instant now) const {
  const auto elapsed = static_cast<std::uint64_t>(std::max<std::int64_t>((now - start_).us(), 0));
  return elapsed / 1'000'000 * bytes_a_second_ + elapsed % 1'000'000 * bytes_a_second_ / 1'000'000;
}

std::size_t Pace::ready(Instant now, std::size_t block, std::size_t most) {
  if (!limited_) return most;
  const std::uint64_t due_now = due(now);
  const std::uint64_t backlog = std::max<std::uint64_t>(bytes_a_second_ / 10, block);
  if (due_now > sent_ + backlog) sent_ = due_now - backlog;
  if (sent_ > due_now) return 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>((due_now - sent_) / block + 1, most));
}

Instant Pace::next() const {
  const std::uint64_t rate = std::max<std::uint64_t>(bytes_a_second_, 1);
  const std::uint64_t whole = std::min<std::uint64_t>(sent_ / rate, 1'000'000'000);
  const std::uint64_t part = sent_ % rate * 1'000'000 / rate;
  return start_ + seconds(static_cast<std::int64_t>(whole)) +
         microseconds(static_cast<std::int64_t>(part) + 1);
}

}  // namespace fata::iperf
