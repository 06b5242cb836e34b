#include "fata/iperf/test.hpp"

#include <algorithm>
#include <limits>

namespace fata::iperf {

Test::Test(const Parameters& parameters, bool server)
    : parameters_(parameters), streams_(parameters.streams()) {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    streams_[i].id = stream_id(i);
    streams_[i].sends = parameters.server_sends(i) == server;
  }
}

void Test::restart(Instant now) {
  for (Stream& stream : streams_) stream.restart();
  started_ = now;
}

std::uint64_t Test::total(bool sent) const {
  std::uint64_t bytes = 0;
  for (const Stream& stream : streams_) {
    if (stream.sends == sent) bytes += stream.bytes;
  }
  return bytes;
}

std::uint64_t Test::left(bool sent) const {
  std::uint64_t wanted = parameters_.bytes;
  if (parameters_.blocks != 0 &&
      __builtin_mul_overflow(parameters_.blocks, parameters_.length, &wanted))
    wanted = 0;
  if (wanted == 0) return std::numeric_limits<std::uint64_t>::max();
  return wanted - std::min(wanted, total(sent));
}

Results Test::results(Instant now, bool knows_retransmits, std::uint32_t cpu_permille) const {
  Results results{.cpu_permille = cpu_permille, .has_retransmits = knows_retransmits};
  for (const Stream& stream : streams_)
    results.streams.push_back(stream.result(parameters_.udp, elapsed(now)));
  return results;
}

namespace {

// The value in three digits, given in thousandths: 1.25, 12.5, 125.
void put_three(TextWriter& out, std::uint64_t thousandths) {
  const unsigned cut = thousandths >= 100'000 ? 3 : thousandths >= 10'000 ? 2 : 1;
  std::uint64_t unit = 1;
  for (unsigned i = 0; i < cut; ++i) unit *= 10;
  const std::uint64_t rounded = (thousandths + unit / 2) / unit;
  std::uint64_t whole = 1;
  for (unsigned i = cut; i < 3; ++i) whole *= 10;
  out.put_unsigned(rounded / whole);
  if (whole == 1) return;
  out.put('.');
  out.put_unsigned(rounded % whole, 3 - cut);
}

void put_scaled(TextWriter& out, std::uint64_t value, std::uint64_t base, std::string_view unit) {
  static constexpr std::string_view kPrefixes = " KMGT";
  std::size_t prefix = 0;
  std::uint64_t divisor = 1;
  while (prefix + 1 < kPrefixes.size() && value / divisor >= base) {
    divisor *= base;
    ++prefix;
  }
  put_three(out, value / divisor * 1000 + value % divisor * 1000 / divisor);
  out.put(' ');
  if (prefix != 0) out.put(kPrefixes[prefix]);
  out.put(unit);
}

}  // namespace

void write_text(TextWriter& out, Volume volume) { put_scaled(out, volume.bytes, 1024, "Bytes"); }

void write_text(TextWriter& out, Speed speed) {
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(speed.in.us(), 1));
  const std::uint64_t whole = speed.bytes / us;
  put_scaled(out, whole * 8'000'000 + speed.bytes % us * 8'000'000 / us, 1000, "bits/s");
}

namespace {
void put_seconds(TextWriter& out, Duration time) {
  const auto hundredths =
      static_cast<std::uint64_t>(std::max<std::int64_t>((time.ms() + 5) / 10, 0));
  out.put_unsigned(hundredths / 100);
  out.put('.');
  out.put_unsigned(hundredths % 100, 2);
}
}  // namespace

void write_interval(TextWriter& out, Duration from, Duration to, std::uint64_t bytes) {
  put_seconds(out, from);
  out.put('-');
  put_seconds(out, to);
  print(out, "  s  ", Volume{bytes}, "  ", Speed{bytes, to - from});
}

void write_summary(TextWriter& out, const Test& test, Instant now) {
  const std::size_t count = test.streams().size();
  print(out, test.parameters().udp ? "UDP, " : "TCP, ", count, count == 1 ? " stream" : " streams");
  const Duration elapsed = test.elapsed(now);
  for (const bool sent : {true, false}) {
    const auto matches = [sent](const Stream& stream) { return stream.sends == sent; };
    if (std::ranges::none_of(test.streams(), matches)) continue;
    const std::uint64_t bytes = test.total(sent);
    print(out, sent ? ", sent " : ", received ", Volume{bytes}, " in ");
    put_seconds(out, elapsed);
    print(out, " s, ", Speed{bytes, elapsed});
  }
  if (!test.parameters().udp) return;
  std::uint64_t lost = 0;
  std::uint64_t all = 0;
  for (const Stream& stream : test.streams()) {
    lost += stream.sends ? 0 : stream.arrivals.lost();
    all += stream.sends ? 0 : stream.arrivals.highest();
  }
  if (all != 0) print(out, ", lost ", lost, " of ", all);
}

}  // namespace fata::iperf
