// The meaning of a script's calls, settings and expectations.
#include "runner.hpp"

#include <algorithm>
#include <functional>

namespace fata::test {
namespace {

std::string upper(std::string_view text) {
  std::string out;
  for (const char c : text) out.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  return out;
}

bool set_number(tcp::FlowOptions& options, const std::string& name, std::int64_t value) {
  if (name == "user-timeout") {
    options.user_timeout_s = static_cast<std::uint16_t>(value);
  } else if (name == "dscp") {
    options.dscp = static_cast<std::uint8_t>(value);
  } else if (name == "ttl") {
    options.hop_limit = static_cast<std::uint8_t>(value);
  } else {
    return false;
  }
  return true;
}

}  // namespace

bool Runner::setting(const Line& line) {
  if (world_) return fail("settings come before everything else");
  if (line.words.size() != 3) return fail("set needs a name and a value");
  const std::string& key = line.words[1];
  const std::string& word = line.words[2];
  const std::map<std::string, bool*> switches{{"keepalive", &config_.flow.keepalive},
                                              {"pacing", &config_.flow.pacing},
                                              {"fast-open", &config_.flow.fast_open},
                                              {"sack", &config_.sack},
                                              {"timestamps", &config_.timestamps},
                                              {"window-scaling", &config_.window_scaling},
                                              {"ecn", &config_.ecn},
                                              {"ecn-ask", &config_.ecn_ask},
                                              {"cookies", &config_.syn_cookies},
                                              {"fast-open-server", &config_.fast_open_server},
                                              {"black-hole", &config_.black_hole_detection},
                                              {"device-sums", &device_sums_}};
  const std::map<std::string, Duration*> times{{"delayed-ack", &config_.delayed_ack},
                                               {"time-wait", &config_.time_wait_time},
                                               {"fin-wait-2", &config_.fin_wait_2},
                                               {"keepalive-idle", &config_.keepalive_idle},
                                               {"keepalive-interval", &config_.keepalive_interval},
                                               {"rto-least", &config_.rto.least},
                                               {"rto-most", &config_.rto.most},
                                               {"rto-initial", &config_.rto.initial}};
  const auto range = parse_range(word);
  if (const auto found = switches.find(key); found != switches.end()) {
    *found->second = word == "on";
    return word == "on" || word == "off";
  }
  if (const auto found = times.find(key); found != times.end()) {
    const auto time = parse_duration(word);
    if (time) *found->second = *time;
    return time.has_value();
  }
  if (key == "nagle") {
    config_.flow.no_delay = word == "off";
    return word == "on" || word == "off";
  }
  if (key == "cc") {
    config_.flow.congestion =
        word == "cubic" ? tcp::CongestionAlgorithm::kCubic : tcp::CongestionAlgorithm::kNewReno;
    return word == "cubic" || word == "newreno";
  }
  if (key == "family") {
    v6_ = word == "6";
    return word == "4" || word == "6";
  }
  if (!range || !range->exact()) return false;
  const std::int64_t n = range->least;
  if (set_number(config_.flow, key, n)) return true;
  const std::map<std::string, std::function<void()>> numbers{
      {"memory", [&] { config_.memory = static_cast<std::size_t>(n); }},
      {"borrowed", [&] { config_.borrowed = static_cast<std::size_t>(n); }},
      {"receive",
       [&] { config_.receive_first = config_.receive_max = static_cast<std::uint32_t>(n); }},
      {"send", [&] { config_.send_first = config_.send_max = static_cast<std::uint32_t>(n); }},
      {"connections", [&] { config_.connections = static_cast<std::size_t>(n); }},
      {"half-open", [&] { config_.half_open = static_cast<std::size_t>(n); }},
      {"time-waits", [&] { config_.time_wait = static_cast<std::size_t>(n); }},
      {"orphans", [&] { config_.orphans = static_cast<std::size_t>(n); }},
      {"challenge-acks", [&] { config_.challenge_acks = static_cast<std::uint8_t>(n); }},
      {"resets", [&] { config_.resets = static_cast<std::uint32_t>(n); }},
      {"syn-retries", [&] { config_.syn_retries = static_cast<std::uint8_t>(n); }},
      {"syn-ack-retries", [&] { config_.syn_ack_retries = static_cast<std::uint8_t>(n); }},
      {"retries", [&] { config_.retries = static_cast<std::uint8_t>(n); }},
      {"orphan-retries", [&] { config_.orphan_retries = static_cast<std::uint8_t>(n); }},
      {"keepalive-probes", [&] { config_.keepalive_probes = static_cast<std::uint8_t>(n); }},
      {"window-shift", [&] { config_.window_shift = static_cast<std::uint8_t>(n); }},
      {"mtu", [&] { mtu_ = static_cast<std::size_t>(n); }},
      {"gso", [&] { gso_ = static_cast<std::uint32_t>(n); }},
      {"peer-isn", [&] { peer_isn_ = static_cast<std::uint32_t>(n); }}};
  const auto found = numbers.find(key);
  if (found == numbers.end()) return false;
  found->second();
  return true;
}

bool Runner::result_is(const Line& line, const std::string& got) {
  const auto arrow = std::ranges::find(line.words, "->");
  if (arrow == line.words.end()) return got == "ok" ? true : fail("gave " + got);
  const std::string want = arrow + 1 == line.words.end() ? "" : *(arrow + 1);
  if (want == got) return true;
  const auto range = parse_range(want);
  const auto number = parse_range(got);
  if (range && number && range->holds(number->least)) return true;
  return fail("gave " + got);
}

void Runner::call(const Line& line) {
  const std::string& word = line.words[0];
  World& here = world();
  Peer& with = peer_of(line);
  if (word == "listen") return call_listen(line);
  if (word == "connect") return call_connect(line);
  if (word == "write") return call_write(line);
  if (word == "read") return call_read(line);
  if (word == "path") {
    const auto number = line.words.size() == 3 ? parse_range(line.words[2]) : std::nullopt;
    if (line.words.size() == 2 && (line.words[1] == "down" || line.words[1] == "up")) {
      here.reachable = line.words[1] == "up";
    } else if (number && line.words[1] == "mtu") {
      here.mtu = static_cast<std::size_t>(number->least);
    } else {
      fail("path takes: up, down, mtu N");
    }
    return;
  }
  if (word == "accept") {
    tcp::Connection* got = nullptr;
    for (const auto& [port, listener] : listeners_) {
      if (got == nullptr) got = here.table->accept(*listener);
    }
    if (got == nullptr) return void(result_is(line, "nothing"));
    Peer& other = peer(got->stats().remote.port);
    if (other.connection != nullptr) here.table->release(other.connection, here.now);
    other.connection = got;
    other.written = other.read = 1;
    got->observe(other.watch.get());
    const auto wanted = std::ranges::find(line.words, "port");
    if (wanted != line.words.end() && &other != &with)
      return void(fail("accepted port " + std::to_string(other.port)));
    return void(result_is(line, "ok"));
  }
  if (word == "unlisten") {
    for (const auto& [port, listener] : listeners_) here.table->close(listener, here.now);
    listeners_.clear();
    here.table->end_of_batch(here.now);
    return;
  }
  if (with.connection == nullptr)
    return void(fail("there is no connection to call this on, or no such call"));
  if (word == "shutdown") {
    with.connection->shutdown(here.now);
  } else if (word == "abort") {
    with.connection->abort(here.now);
  } else if (word == "close") {
    with.rest = {};
    here.table->release(std::exchange(with.connection, nullptr), here.now);
  } else if (word == "option") {
    tcp::FlowOptions options = with.connection->options();
    const std::map<std::string, bool*> switches{{"no-delay", &options.no_delay},
                                                {"keepalive", &options.keepalive},
                                                {"pacing", &options.pacing}};
    const std::string name = line.words.size() > 2 ? line.words[1] : "";
    const auto number = line.words.size() > 2 ? parse_range(line.words[2]) : std::nullopt;
    if (const auto found = switches.find(name); found != switches.end()) {
      *found->second = line.words[2] == "on";
    } else if (!number || !set_number(options, name, number->least)) {
      return void(fail("no such option"));
    }
    with.connection->set_options(options, here.now);
  } else {
    return void(fail("no such call"));
  }
  here.table->end_of_batch(here.now);
}

void Runner::call_listen(const Line& line) {
  const auto port = line.words.size() > 1 ? parse_range(line.words[1]) : std::nullopt;
  if (!port) return void(fail("listen needs a port"));
  std::size_t backlog = 16;
  for (std::size_t i = 2; i + 1 < line.words.size(); ++i) {
    if (line.words[i] == "backlog")
      backlog = static_cast<std::size_t>(parse_range(line.words[i + 1]).value_or(Range{}).least);
  }
  const auto at = static_cast<std::uint16_t>(port->least);
  const auto made = world().table->listen({IpAddress(), at}, backlog, &listening_);
  if (!made) return void(result_is(line, error_name(made.error())));
  listeners_[at] = *made;
  result_is(line, "ok");
}

// connect [at ADDRESS] [to PORT] [from PORT]
void Runner::call_connect(const Line& line) {
  World& here = world();
  std::uint16_t to = 80;
  std::uint16_t from = 0;
  IpAddress address = here.remote;
  for (std::size_t i = 1; i + 1 < line.words.size(); ++i) {
    const auto number = parse_range(line.words[i + 1]);
    if (number && line.words[i] == "to") to = static_cast<std::uint16_t>(number->least);
    if (const auto at = Ipv4Address::parse(line.words[i + 1]); at && line.words[i] == "at")
      address = *at;
    if (number && line.words[i] == "from") from = static_cast<std::uint16_t>(number->least);
  }
  default_port_ = to;
  Peer& with = peer(to);
  if (with.connection != nullptr)
    here.table->release(std::exchange(with.connection, nullptr), here.now);
  with.watch->seen = 0;
  with.our_isn.reset();
  with.written = with.read = 1;
  with.local_port = from;
  const auto made = here.table->connect({IpAddress(), from}, {address, to}, config_.flow,
                                        with.watch.get(), here.now);
  if (!made) return void(result_is(line, error_name(made.error())));
  with.connection = *made;
  here.table->end_of_batch(here.now);
  result_is(line, "ok");
}

void Runner::call_write(const Line& line) {
  World& here = world();
  Peer& with = peer_of(line);
  const auto count = line.words.size() > 1 ? parse_range(line.words[1]) : std::nullopt;
  if (with.connection == nullptr || !count)
    return void(fail("write needs a connection and a number"));
  if (!with.connection->can_write()) {
    const auto& error = with.connection->error();
    return void(result_is(line, error ? error_name(*error) : "closed"));
  }
  std::size_t left = static_cast<std::size_t>(count->least);
  std::size_t taken = 0;
  while (left > 0) {
    PacketBuf buffer = here.table->allocate();
    if (!buffer) break;
    const std::size_t length = std::min(left, buffer.tailroom());
    copy_bytes(buffer.append(length), as_bytes(pattern_text(with.written, length, false)));
    Slice slice(std::move(buffer));
    const std::size_t accepted = with.connection->write(slice, here.now);
    with.written += static_cast<std::uint32_t>(accepted);
    taken += accepted;
    left -= accepted;
    if (accepted < length) break;
  }
  with.connection->push(here.now);
  here.table->end_of_batch(here.now);
  if (std::ranges::find(line.words, "->") == line.words.end()) {
    if (left != 0) fail("took " + std::to_string(taken) + " only");
    return;
  }
  result_is(line, std::to_string(taken));
}

void Runner::call_read(const Line& line) {
  World& here = world();
  Peer& with = peer_of(line);
  if (with.connection == nullptr) return void(fail("there is no connection to read from"));
  std::size_t most = 1 << 30;
  if (line.words.size() > 1) {
    if (const auto number = parse_range(line.words[1]))
      most = static_cast<std::size_t>(number->least);
  }
  std::size_t got = 0;
  while (got < most) {
    if (with.rest.empty()) with.rest = with.connection->read(here.now);
    if (with.rest.empty()) break;
    const std::size_t part = std::min(most - got, with.rest.size());
    if (with.rest.part(0, part).text() != pattern_text(with.read, part, true))
      return void(fail("read other bytes than were sent"));
    with.rest.trim_front(part);
    with.read += static_cast<std::uint32_t>(part);
    got += part;
  }
  here.table->end_of_batch(here.now);
  if (got != 0) return void(result_is(line, std::to_string(got)));
  if (with.connection->at_end()) return void(result_is(line, "eof"));
  if (with.connection->error()) return void(result_is(line, error_name(*with.connection->error())));
  result_is(line, "nothing");
}

std::optional<tcp::ConnectionStats> Runner::stats(Peer& with) {
  std::optional<tcp::ConnectionStats> found;
  world().table->for_each([&](const tcp::ConnectionStats& stats) {
    if (stats.remote.port == with.port) found = stats;
  });
  return found;
}

// expect WHAT [VALUE] [port N]
void Runner::expect(const Line& line) {
  World& here = world();
  Peer& with = peer_of(line);
  const std::string what = line.words.size() > 1 ? line.words[1] : "";
  const std::string value = line.words.size() > 2 ? line.words[2] : "";
  const auto now = stats(with);
  if (what == "state") {
    const std::string state = now ? upper(tcp::name(now->state)) : "CLOSED";
    if (state != value) fail("the state is " + state);
    return;
  }
  if (what == "connected") {
    if ((with.watch->seen & tcp::Observer::kConnected) == 0) fail("it is not connected");
    return;
  }
  if (what == "error") {
    const bool has = with.connection != nullptr && with.connection->error().has_value();
    const std::string error = has ? error_name(*with.connection->error()) : "none";
    if (error != value) fail("the error is " + error);
    return;
  }
  if (what == "counter") {
    const auto range = line.words.size() > 3 ? parse_range(line.words[3]) : std::nullopt;
    for (const Counter& counter : here.table->counters()) {
      if (counter.name != value) continue;
      if (!range || !range->holds(static_cast<std::int64_t>(counter.value)))
        fail("it is " + std::to_string(counter.value));
      return;
    }
    return void(fail("no such counter"));
  }
  const tcp::ConnectionStats seen = now.value_or(tcp::ConnectionStats{});
  const std::map<std::string, std::int64_t> numbers{
      {"cwnd", seen.cwnd},
      {"ssthresh", seen.ssthresh},
      {"in-flight", seen.in_flight},
      {"srtt", seen.srtt.ms()},
      {"rto", seen.rto.ms()},
      {"retransmits", seen.retransmits},
      {"send-queue", seen.send_queue},
      {"receive-queue", seen.receive_queue},
      {"reorder-queue", seen.reorder_queue},
      {"send-window", seen.send_window},
      {"receive-window", seen.receive_window},
      {"mss", seen.mss},
      {"half-open", static_cast<std::int64_t>(here.table->half_open())},
      {"time-waits", static_cast<std::int64_t>(here.table->time_waits())},
      {"connections", static_cast<std::int64_t>(here.table->connections())},
      {"orphans", static_cast<std::int64_t>(here.table->orphans())},
      {"path-mtu", static_cast<std::int64_t>(here.mtu)}};
  const auto found = numbers.find(what);
  const auto range = parse_range(value);
  if (found == numbers.end() || !range) return void(fail("nothing of this kind can be expected"));
  if (!range->holds(found->second)) fail("it is " + std::to_string(found->second));
}

// Releases everything. The table must then be destructible.
void Runner::finish() {
  if (!world_) return;
  for (auto& [port, with] : peers_) {
    with.rest = {};
    if (with.connection != nullptr)
      world_->table->release(std::exchange(with.connection, nullptr), world_->now);
  }
  for (const auto& [port, listener] : listeners_) world_->table->close(listener, world_->now);
  listeners_.clear();
  world_->table.reset();
  world_->sent.clear();
  if (failure_.empty() && world_->receive_.available() != world_->receive_.count())
    fail("it keeps buffers of the device");
  if (failure_.empty() && world_->transmit_.available() != world_->transmit_.count())
    fail("it keeps buffers for sending");
}

}  // namespace fata::test
