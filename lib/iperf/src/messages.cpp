#include "fata/iperf/messages.hpp"

#include <algorithm>

#include "fata/json/reader.hpp"
#include "fata/json/writer.hpp"

namespace fata::iperf {

using json::Token;

const ErrorDomain& error_domain(Errc) noexcept {
  static constexpr ErrorDomain domain{"iperf", [](std::uint32_t code) -> std::string_view {
                                        static constexpr std::array<std::string_view, 14> messages{
                                            "unknown",
                                            "the peer closed the control connection",
                                            "the peer ended the test",
                                            "the server is busy with another test",
                                            "the server refused or failed, with its error number",
                                            "the parameters are not what a client sends",
                                            "the results are not what a peer sends",
                                            "a state came that cannot come now",
                                            "a message is too long",
                                            "too many streams",
                                            "this kind of test is not supported",
                                            "the peer did not answer in time",
                                            "out of memory",
                                            "a stream failed",
                                        };
                                        return messages[code < messages.size() ? code : 0];
                                      }};
  return domain;
}

Cookie make_cookie(Bytes random) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  Cookie cookie{};
  for (std::size_t i = 0; i < std::min(random.size(), kCookieSize - 1); ++i) {
    cookie[i] =
        static_cast<std::byte>(kLetters[static_cast<std::size_t>(random[i]) % kLetters.size()]);
  }
  return cookie;
}

void write_json(TextWriter& text, const Parameters& p) {
  json::Writer out(text);
  out.object().field(p.udp ? "udp" : "tcp", true).field("omit", p.omit).field("time", p.time);
  out.field("num", p.bytes).field("blockcount", p.blocks).field("parallel", p.parallel);
  if (p.reverse) out.field("reverse", true);
  if (p.bidirectional) out.field("bidirectional", true);
  if (p.no_delay) out.field("nodelay", true);
  if (p.rate != 0) out.field("bandwidth", p.rate);
  if (p.burst != 0) out.field("burst", p.burst);
  if (p.udp) out.field("udp_counters_64bit", p.counters_64bit ? 1 : 0);
  out.field("len", p.length)
      .field("pacing_timer", 1000)
      .field("client_version", "3.12")
      .end_object();
}

namespace {

// A numeric parameter from 0 to `most`; any other value invalidates the whole text.
template <class T>
bool take(json::Reader& in, T& out, std::uint64_t most) {
  const std::optional<std::int64_t> value = in.next_integer();
  if (!value || *value < 0 || static_cast<std::uint64_t>(*value) > most) return false;
  out = static_cast<T>(*value);
  return true;
}
// True, or a number other than 0.
bool take_flag(json::Reader& in, bool& out) {
  if (!in.skip()) return false;
  out = in.token() == Token::kTrue || (in.token() == Token::kNumber && in.integer() != 0);
  return true;
}

constexpr std::uint64_t kMax32 = 0xffff'ffff;
constexpr std::uint64_t kMax63 = 0x7fff'ffff'ffff'ffff;

bool take_parameter(json::Reader& in, Parameters& p, bool& other) {
  if (in.is("udp")) return take_flag(in, p.udp);
  if (in.is("sctp")) return take_flag(in, other);
  if (in.is("reverse")) return take_flag(in, p.reverse);
  if (in.is("bidirectional")) return take_flag(in, p.bidirectional);
  if (in.is("nodelay")) return take_flag(in, p.no_delay);
  if (in.is("udp_counters_64bit")) return take_flag(in, p.counters_64bit);
  if (in.is("omit")) return take(in, p.omit, kMaxSeconds);
  if (in.is("time")) return take(in, p.time, kMaxSeconds);
  if (in.is("num")) return take(in, p.bytes, kMax63);
  if (in.is("blockcount")) return take(in, p.blocks, kMax63);
  if (in.is("parallel")) return take(in, p.parallel, kMax32);
  if (in.is("len")) return take(in, p.length, kMax32);
  if (in.is("bandwidth")) return take(in, p.rate, kMax63);
  if (in.is("burst")) return take(in, p.burst, kMax32);
  return in.skip();
}

}  // namespace

Result<Parameters> parse_parameters(std::string_view text) {
  json::Reader in(text);
  Parameters p;
  bool other = false;
  const auto wrong = fail(Error(Errc::kBadParameters));
  if (in.next() != Token::kObject) return wrong;
  while (in.next() == Token::kKey) {
    if (!take_parameter(in, p, other)) return wrong;
  }
  if (in.token() != Token::kObjectEnd || in.next() != Token::kEnd) return wrong;
  if (other) return fail(Error(Errc::kUnsupported));
  if (p.parallel == 0 || p.parallel > kMaxStreams) return fail(Errc::kTooManyStreams, p.parallel);
  // A datagram must hold its time and number.
  const std::size_t least = p.udp ? 16 : 1;
  if (p.length < least || p.length > (p.udp ? kMaxDatagram : kMaxLength)) return wrong;
  return p;
}

const StreamResult* Results::find(unsigned id) const {
  const auto at = std::ranges::find(streams, id, &StreamResult::id);
  return at == streams.end() ? nullptr : &*at;
}

void write_json(TextWriter& text, const Results& results) {
  json::Writer out(text);
  out.object();
  out.key("cpu_util_total").decimal(results.cpu_permille, 1);
  out.key("cpu_util_user").decimal(results.cpu_permille, 1);
  out.field("cpu_util_system", 0).field("sender_has_retransmits", results.has_retransmits ? 1 : 0);
  out.field("congestion_used", "cubic").key("streams").array();
  for (const StreamResult& stream : results.streams) {
    out.object()
        .field("id", stream.id)
        .field("bytes", stream.bytes)
        .field("retransmits", stream.retransmits);
    out.key("jitter")
        .decimal(stream.jitter.ns, 9)
        .field("errors", stream.errors)
        .field("packets", stream.packets);
    out.field("omitted_errors", 0).field("omitted_packets", 0);
    out.key("start_time")
        .decimal(stream.start.us(), 6)
        .key("end_time")
        .decimal(stream.end.us(), 6)
        .end_object();
  }
  out.end_array().end_object();
}

namespace {

bool take_stream(json::Reader& in, StreamResult& out) {
  if (in.token() != Token::kObject) return false;
  bool ok = true;
  const auto number = [&](auto& to, int power = 0) {
    const std::optional<std::int64_t> value = in.next_integer(power);
    ok = ok && value.has_value();
    to = static_cast<std::remove_reference_t<decltype(to)>>(value.value_or(0));
  };
  while (ok && in.next() == Token::kKey) {
    if (in.is("id")) {
      number(out.id);
    } else if (in.is("bytes")) {
      number(out.bytes);
    } else if (in.is("retransmits")) {
      number(out.retransmits);
    } else if (in.is("jitter")) {
      number(out.jitter.ns, 9);
    } else if (in.is("errors")) {
      number(out.errors);
    } else if (in.is("packets")) {
      number(out.packets);
    } else if (in.is("start_time")) {
      number(out.start.ns, 9);
    } else if (in.is("end_time")) {
      number(out.end.ns, 9);
    } else {
      ok = in.skip();
    }
  }
  return ok && in.token() == Token::kObjectEnd;
}

bool take_streams(json::Reader& in, std::vector<StreamResult>& out) {
  if (in.next() != Token::kArray) return false;
  while (in.next() != Token::kArrayEnd) {
    if (out.size() == 2 * kMaxStreams || !take_stream(in, out.emplace_back())) return false;
  }
  return true;
}

}  // namespace

Result<Results> parse_results(std::string_view text) {
  json::Reader in(text);
  Results results;
  bool ok = in.next() == Token::kObject;
  while (ok && in.next() == Token::kKey) {
    if (in.is("cpu_util_total")) {
      const std::int64_t value = in.next_integer(1).value_or(0);
      results.cpu_permille =
          static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, 1'000'000));
    } else if (in.is("sender_has_retransmits")) {
      // Some versions write -1 as an unsigned number.
      results.has_retransmits = in.next_integer() == 1;
    } else if (in.is("streams")) {
      ok = take_streams(in, results.streams);
    } else {
      ok = in.skip();
    }
  }
  if (!ok || in.token() != Token::kObjectEnd || in.next() != Token::kEnd)
    return fail(Error(Errc::kBadResults));
  return results;
}

}  // namespace fata::iperf
