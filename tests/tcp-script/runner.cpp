#include "runner.hpp"

#include "fata/sig/flow.hpp"

namespace fata::test {
namespace {

std::string milliseconds_text(Duration time) {
  Text<40> text;
  print(text, time);
  return std::string(text.view());
}

std::int64_t relative(std::uint32_t number, std::uint32_t base) {
  return static_cast<std::int32_t>(number - base);
}

}  // namespace

std::string error_name(const Error& error) {
  if (error.is(sig::FlowErrc::kReset)) return "reset";
  if (error.is(sig::FlowErrc::kRefused)) return "refused";
  if (error.is(sig::FlowErrc::kUnreachable)) return "unreachable";
  if (error.is(sig::FlowErrc::kClosedForWriting)) return "closed";
  if (error.is(tcp::TcpErrc::kTimedOut)) return "timed-out";
  if (error.is(tcp::TcpErrc::kNoMemory)) return "no-memory";
  if (error.is(tcp::TcpErrc::kPortInUse)) return "port-in-use";
  if (error.is(tcp::TcpErrc::kNotOurAddress)) return "not-our-address";
  return std::string(error.message());
}

std::string Runner::run(const std::string& path) {
  play(read_script(path));
  if (failure_.empty() && world_ && !world_->sent.empty())
    fail("at its end there is unexpected: " + describe(world_->sent.front()));
  finish();
  return failure_;
}

bool Runner::fail(const std::string& why) {
  if (failure_.empty())
    failure_ = at_.file + ":" + std::to_string(at_.number) + ": " + at_.text + "\n  " + why;
  return false;
}

void Runner::play(const Script& script) {
  if (!script.error.empty()) {
    failure_ = script.error;
    return;
  }
  for (const Line& each : script.lines) {
    at_ = each;
    line(each);
    if (world_ && !world_->failure.empty()) fail(world_->failure);
    if (!failure_.empty()) return;
  }
}

World& Runner::world() {
  if (!world_) {
    world_ = std::make_unique<World>(config_, v6_);
    world_->mtu = world_->link_mtu = mtu_;
    world_->gso = gso_;
    world_->device_sums = device_sums_;
    zero_ = last_ = world_->now;
  }
  return *world_;
}

Runner::Peer& Runner::peer(std::int64_t port) {
  const auto key = port == 0 ? default_port_ : static_cast<std::uint16_t>(port);
  const auto [found, made] = peers_.try_emplace(key);
  if (made) {
    found->second.port = key;
    found->second.isn = peer_isn_;
  }
  return found->second;
}

// The peer that a call names, as in "write 10 port 1025", or the default peer.
Runner::Peer& Runner::peer_of(const Line& line) {
  for (std::size_t i = 0; i + 1 < line.words.size(); ++i) {
    if (line.words[i] != "port") continue;
    if (const auto port = parse_range(line.words[i + 1])) return peer(port->least);
  }
  return peer();
}

void Runner::line(const Line& line) {
  const std::string& word = line.words[0];
  if (word == "set") {
    if (!setting(line) && failure_.empty()) fail("no such setting, or no such value of it");
    return;
  }
  if (word == "given") {
    if (line.words.size() != 2) return void(fail("given needs a name"));
    const std::string folder = FATA_TCP_SCRIPTS "/given/";
    play(read_script(folder + line.words[1] + ".given"));
    if (!failure_.empty()) return;
    at_ = line;
    zero_ = last_ = world().now;
    return;
  }
  World& here = world();
  const Instant base = line.relative ? last_ : zero_;
  const Instant from = line.timed ? base + line.from : last_;
  const Instant to = line.timed ? base + line.to : last_;
  if (from < last_) return void(fail("its time is before that of the line above"));
  if (word == ">") {
    segment_out(line, from, to);
    last_ = std::max(last_, here.now);
    return;
  }
  quiet_until(to, "before this");
  if (!failure_.empty()) return;
  last_ = to;
  if (word == "<" && line.words.size() > 1 && line.words[1] == "icmp") {
    icmp_in(line);
  } else if (word == "<") {
    segment_in(line);
  } else if (word == "quiet") {
    // Nothing was sent up to here, or quiet_until would have failed.
  } else if (word == "expect") {
    expect(line);
  } else {
    call(line);
  }
}

void Runner::quiet_until(Instant to, const char* what) {
  World& here = world();
  if (here.sent.empty()) here.advance(to);
  if (!here.sent.empty())
    fail(std::string("unexpected ") + what + ": " + describe(here.sent.front()));
}

void Runner::segment_in(const Line& line) {
  const SegmentText text = parse_segment(line.words, 1);
  if (!text.error.empty()) return void(fail(text.error));
  const auto value = [&](const char* name, std::int64_t otherwise) {
    const Range* range = text.number(name);
    return range == nullptr ? otherwise : range->least;
  };
  Peer& from = peer(value("port", 0));
  if (text.number("seq") == nullptr) return void(fail("a segment needs seq"));
  if ((text.flags & kAck) != 0 && text.number("ack") == nullptr)
    return void(fail("a segment with ACK needs ack"));
  from.isn = static_cast<std::uint32_t>(value("isn", from.isn));
  from.window = static_cast<std::uint32_t>(value("win", from.window));
  WireSegment segment;
  segment.source_port = from.port;
  segment.destination_port = from.local_port;
  segment.flags = text.flags;
  segment.seq = from.isn + static_cast<std::uint32_t>(value("seq", 0));
  if (text.number("ack") != nullptr)
    segment.ack = from.our_base() + static_cast<std::uint32_t>(value("ack", 0));
  segment.window = static_cast<std::uint16_t>(from.window);
  segment.urgent = static_cast<std::uint16_t>(value("urg", 0));
  if (text.number("mss") != nullptr) segment.mss = static_cast<std::uint16_t>(value("mss", 0));
  if (text.number("ws") != nullptr)
    segment.window_scale = static_cast<std::uint8_t>(value("ws", 0));
  segment.sack_permitted = text.sack_permitted;
  for (const auto& [begin, end] : text.sack) {
    segment.sack.push_back({from.our_base() + static_cast<std::uint32_t>(begin.least),
                            from.our_base() + static_cast<std::uint32_t>(end.least)});
  }
  if (text.timestamps) {
    segment.timestamps =
        Timestamps{static_cast<std::uint32_t>(text.timestamps->first.least),
                   text.echo_last ? from.our_timestamp
                                  : from.our_first_timestamp.value_or(0) +
                                        static_cast<std::uint32_t>(text.timestamps->second.least)};
    if (!text.echo_last && text.timestamps->second.least == 0 && (text.flags & kAck) == 0)
      segment.timestamps->echo = 0;
  }
  if (text.cookie) segment.cookie = *text.cookie == "*" ? from.cookie : *text.cookie;
  segment.raw_options = text.raw;
  if (text.ecn) {
    segment.ecn = *text.ecn == "ce"     ? ip::Ecn::kCongested
                  : *text.ecn == "ect0" ? ip::Ecn::kCapable0
                  : *text.ecn == "ect1" ? ip::Ecn::kCapable1
                                        : ip::Ecn::kNotCapable;
  }
  segment.bad_checksum = text.bad_checksum;
  if (const std::int64_t gso = value("gso", 0); gso != 0) {
    segment.offload.gso = v6_ ? Offload::Gso::kTcpV6 : Offload::Gso::kTcpV4;
    segment.offload.gso_size = static_cast<std::uint16_t>(gso);
    segment.offload.checksum_valid = true;
  }
  const auto first =
      static_cast<std::uint32_t>(value("seq", 0) + ((text.flags & kSyn) != 0 ? 1 : 0));
  segment.data = pattern_text(first, static_cast<std::size_t>(value("len", 0)), true);
  world().deliver(segment, text.from ? IpAddress(*text.from) : world().remote, !text.broadcast);
  if (!text.more) world().table->end_of_batch(world().now);
}

// "< icmp too-big mtu 1400 seq 1"
void Runner::icmp_in(const Line& line) {
  using Kind = ip::IcmpError::Kind;
  const std::map<std::string, Kind> kinds{{"port-unreachable", Kind::kPortUnreachable},
                                          {"unreachable", Kind::kUnreachable},
                                          {"time-exceeded", Kind::kTimeExceeded},
                                          {"too-big", Kind::kTooBig},
                                          {"parameter", Kind::kParameterProblem}};
  const auto kind = kinds.find(line.words.size() > 2 ? line.words[2] : "");
  if (kind == kinds.end()) return void(fail("no such kind of ICMP message"));
  std::map<std::string, std::int64_t> numbers;
  for (std::size_t i = 3; i + 1 < line.words.size(); i += 2) {
    const auto range = parse_range(line.words[i + 1]);
    if (!range) return void(fail("'" + line.words[i + 1] + "' is no number"));
    numbers[line.words[i]] = range->least;
  }
  if (!numbers.contains("seq")) return void(fail("an ICMP message quotes a seq"));
  Peer& about = peer(numbers.contains("port") ? numbers["port"] : 0);
  WireSegment quoted;
  quoted.source_port = about.local_port;
  quoted.destination_port = about.port;
  quoted.seq = about.our_base() + static_cast<std::uint32_t>(numbers["seq"]);
  const std::string bytes = encode(quoted, world().local, world().remote);
  world().icmp(
      {kind->second, world().local, world().remote, static_cast<std::uint16_t>(numbers["mtu"]),
       as_bytes(std::string_view(bytes).substr(0, 8)), static_cast<std::uint8_t>(numbers["code"]),
       static_cast<std::uint16_t>(numbers["mtu"])});
  world().table->end_of_batch(world().now);
}

void Runner::segment_out(const Line& line, Instant from, Instant to) {
  const SegmentText want = parse_segment(line.words, 1);
  if (!want.error.empty()) return void(fail(want.error));
  if (want.number("seq") == nullptr) return void(fail("an expected segment needs seq"));
  if ((want.flags & kAck) != 0 && want.number("ack") == nullptr)
    return void(fail("an expected ACK needs ack"));
  World& here = world();
  here.advance(to);
  if (here.sent.empty())
    return void(fail("nothing was sent up to " + milliseconds_text(to - zero_)));
  const Sent got = std::move(here.sent.front());
  here.sent.pop_front();
  Peer& expected = peer(want.number("port") == nullptr ? 0 : want.number("port")->least);
  const std::string came = describe(got);
  if (got.at < from || got.at > to) return void(fail("came at another time: " + came));
  if (got.segment.destination_port != expected.port)
    return void(fail("came to another port: " + came));
  if (!got.diagnostic.empty())
    return void(fail("came with a fault, " + got.diagnostic + ": " + came));
  if ((got.segment.flags & kSyn) != 0 && (!expected.our_isn || want.number("isn") != nullptr)) {
    expected.our_isn = got.segment.seq;
    expected.local_port = got.segment.source_port;
    expected.our_first_timestamp.reset();
  }
  if (got.segment.timestamps) {
    if (!expected.our_first_timestamp) expected.our_first_timestamp = got.segment.timestamps->value;
    expected.our_timestamp = got.segment.timestamps->value;
  }
  if (got.segment.cookie && !got.segment.cookie->empty()) expected.cookie = *got.segment.cookie;
  const std::string why = differs(want, got, expected);
  if (!why.empty()) fail("differs in " + why + ", came: " + came);
}

std::string Runner::differs(const SegmentText& want, const Sent& sent, Peer& to) {
  const WireSegment& got = sent.segment;
  // PSH is compared only where a script names it.
  const std::uint8_t matter = (want.flags & kPsh) != 0 ? 0xff : static_cast<std::uint8_t>(~kPsh);
  if ((got.flags & matter) != want.flags) return "flags";
  const auto is = [&](const char* name, std::int64_t value) {
    return want.number(name) == nullptr || want.number(name)->holds(value);
  };
  if (!is("seq", relative(got.seq, to.our_base()))) return "seq";
  if ((got.flags & kAck) != 0 && !is("ack", relative(got.ack, to.isn))) return "ack";
  if (want.number("len") == nullptr ? !got.data.empty()
                                    : !is("len", static_cast<std::int64_t>(got.data.size())))
    return "len";
  if (!is("win", got.window)) return "win";
  if (!is("urg", got.urgent)) return "urg";
  if (!is("dscp", got.dscp)) return "dscp";
  if (!is("ttl", got.hop_limit)) return "ttl";
  if (!is("gso", got.offload.gso == Offload::Gso::kNone ? 0 : got.offload.gso_size)) return "gso";
  if (want.number("mss") != nullptr && (!got.mss || !is("mss", *got.mss))) return "mss";
  if (want.number("ws") != nullptr && (!got.window_scale || !is("ws", *got.window_scale)))
    return "ws";
  if (want.sack_permitted && !got.sack_permitted) return "sackok";
  if (want.sack.size() != got.sack.size()) return "sack";
  for (std::size_t i = 0; i < want.sack.size(); ++i) {
    if (!want.sack[i].first.holds(relative(got.sack[i].begin, to.isn))) return "sack";
    if (!want.sack[i].second.holds(relative(got.sack[i].end, to.isn))) return "sack";
  }
  if (want.timestamps) {
    if (!got.timestamps) return "ts";
    if (!want.timestamps->first.holds(relative(got.timestamps->value, *to.our_first_timestamp)))
      return "ts";
    if (!want.echo_last && !want.timestamps->second.holds(got.timestamps->echo)) return "ts";
  }
  if (want.cookie && (!got.cookie || (*want.cookie != "*" && *want.cookie != *got.cookie)))
    return "tfo";
  if (want.cookie == "*" && got.cookie->empty()) return "tfo";
  for (const std::string& option : want.absent) {
    const std::map<std::string, bool> there{{"mss", got.mss.has_value()},
                                            {"ws", got.window_scale.has_value()},
                                            {"sackok", got.sack_permitted},
                                            {"ts", got.timestamps.has_value()},
                                            {"tfo", got.cookie.has_value()}};
    const auto found = there.find(option);
    if (found == there.end()) return "'no " + option + "', which is no option";
    if (found->second) return option;
  }
  if (want.ecn) {
    const bool capable = got.ecn == ip::Ecn::kCapable0 || got.ecn == ip::Ecn::kCapable1;
    if (*want.ecn == "not" ? got.ecn != ip::Ecn::kNotCapable : !capable) return "ecn";
  }
  const auto first = static_cast<std::uint32_t>(relative(got.seq, to.our_base()) +
                                                ((got.flags & kSyn) != 0 ? 1 : 0));
  const bool beyond_fin = (got.flags & kRst) != 0 || got.data.empty();
  if (!beyond_fin && got.data != pattern_text(first, got.data.size(), false) &&
      got.data != std::string(1, '\0'))
    return "data";
  return "";
}

std::string Runner::describe(const Sent& sent) {
  const WireSegment& segment = sent.segment;
  const auto found = peers_.find(segment.destination_port);
  const Peer none;
  const Peer& to = found == peers_.end() ? none : found->second;
  std::string out = milliseconds_text(sent.at - zero_) + " > " + flags_text(segment.flags);
  const bool based = to.our_isn.has_value();
  const std::uint32_t our_base = based                         ? *to.our_isn
                                 : (segment.flags & kSyn) != 0 ? segment.seq
                                                               : 0;
  out += " seq " + std::to_string(relative(segment.seq, our_base));
  if ((segment.flags & kAck) != 0) out += " ack " + std::to_string(relative(segment.ack, to.isn));
  if (!segment.data.empty()) out += " len " + std::to_string(segment.data.size());
  out += " win " + std::to_string(segment.window);
  if (segment.mss) out += " mss " + std::to_string(*segment.mss);
  if (segment.window_scale) out += " ws " + std::to_string(*segment.window_scale);
  if (segment.sack_permitted) out += " sackok";
  if (!segment.sack.empty()) out += " sack";
  for (const Block& block : segment.sack) {
    out += " " + std::to_string(relative(block.begin, to.isn)) + "-" +
           std::to_string(relative(block.end, to.isn));
  }
  if (segment.timestamps) {
    out += " ts " +
           std::to_string(relative(segment.timestamps->value,
                                   to.our_first_timestamp.value_or(segment.timestamps->value))) +
           " " + std::to_string(segment.timestamps->echo);
  }
  if (segment.cookie) out += segment.cookie->empty() ? " tfo -" : " tfo *";
  if (segment.offload.gso != Offload::Gso::kNone)
    out += " gso " + std::to_string(segment.offload.gso_size);
  if (segment.urgent != 0) out += " urg " + std::to_string(segment.urgent);
  if (sent.segment.ecn != ip::Ecn::kNotCapable) out += " ecn ect0";
  if (segment.dscp != 0) out += " dscp " + std::to_string(segment.dscp);
  if (segment.hop_limit != 0) out += " ttl " + std::to_string(segment.hop_limit);
  if (segment.destination_port != default_port_)
    out += " port " + std::to_string(segment.destination_port);
  return out;
}

}  // namespace fata::test
