#include "fata/iperf/control.hpp"

#include <string>

namespace fata::iperf {

void Control::receive(Bytes in) {
  if (in.empty()) closed_ = true;
  if (read_ != 0) {
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = 0;
  }
  // A peer sends at most one message ahead of its turn.
  if (in_.size() + in.size() > kMaxResults + 64) {
    fail_with(Error(Errc::kTooLong, static_cast<std::uint32_t>(in_.size() + in.size())));
    return;
  }
  in_.insert(in_.end(), in.begin(), in.end());
}

Event Control::fail_with(Error error) {
  if (!error_) error_ = error;
  return Event::kFailed;
}

Event Control::waiting() { return closed_ ? fail_with(Errc::kPeerClosed) : Event::kNothing; }

std::optional<std::uint8_t> Control::take_byte() {
  if (unread().empty()) return std::nullopt;
  return static_cast<std::uint8_t>(in_[read_++]);
}

std::optional<std::uint32_t> Control::take_number() {
  if (unread().size() < 4) return std::nullopt;
  const auto value = load_be<std::uint32_t>(unread());
  read_ += 4;
  return value;
}

std::optional<std::string_view> Control::take_json(std::size_t most) {
  if (unread().size() < 4) return std::nullopt;
  const auto size = load_be<std::uint32_t>(unread());
  if (size > most) {
    fail_with(Error(Errc::kTooLong, size));
    return std::nullopt;
  }
  const Bytes text = unread().subspan(4);
  if (text.size() < size) return std::nullopt;
  read_ += 4 + size;
  return as_text(text.first(size));
}

void Control::put_json(std::string_view text) {
  std::array<std::byte, 4> size;
  store_be(MutableBytes(size), static_cast<std::uint32_t>(text.size()));
  out_.insert(out_.end(), size.begin(), size.end());
  const Bytes bytes = as_bytes(text);
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

Event Control::take_results() {
  const std::optional<std::string_view> text = take_json(kMaxResults);
  if (!text) return failed() ? Event::kFailed : waiting();
  Result<Results> results = parse_results(*text);
  if (!results) return fail_with(results.error());
  results_ = std::move(*results);
  return Event::kResults;
}

namespace {
std::string to_json(const Results& results) {
  std::string memory(results_size(results.streams.size()), '\0');
  TextWriter text(memory);
  write_json(text, results);
  memory.resize(text.size());
  return memory;
}
}  // namespace

Event ServerControl::next() {
  if (failed()) return Event::kFailed;
  switch (step_) {
    case Step::kParameters: {
      const std::optional<std::string_view> text = take_json(kMaxParameters);
      if (!text) return failed() ? Event::kFailed : waiting();
      const Result<Parameters> parameters = parse_parameters(*text);
      if (!parameters) return fail_with(parameters.error());
      parameters_ = *parameters;
      return Event::kParameters;
    }
    case Step::kResults:
      return take_results();
    case Step::kOver:
      return Event::kDone;
    default:
      return take_state();
  }
}

Event ServerControl::take_state() {
  const std::optional<std::uint8_t> byte = take_byte();
  // A client that has its results may close at once, for example because its domain ends: its reset
  // can overtake its final byte.
  if (!byte && closed() && step_ == Step::kDisplay) return step_ = Step::kOver, Event::kDone;
  if (!byte) return waiting();
  switch (static_cast<State>(*byte)) {
    case State::kTestEnd:
      if (step_ == Step::kRunning) return Event::kEnd;
      break;
    case State::kDone:
      if (step_ == Step::kDisplay) return step_ = Step::kOver, Event::kDone;
      break;
    case State::kClientTerminate:
      return fail_with(Errc::kPeerStopped);
    default:
      break;
  }
  return fail_with(Error(Errc::kBadState, *byte));
}

void ServerControl::start() {
  put_state(State::kTestStart);
  put_state(State::kTestRunning);
  step_ = Step::kRunning;
}

void ServerControl::give_results(const Results& results) {
  put_json(to_json(results));
  put_state(State::kDisplayResults);
  step_ = Step::kDisplay;
}

void ServerControl::refuse(const Error& error) {
  // The client prints its own text for each error number. These are the closest matches.
  constexpr std::uint32_t kStreamCount = 6;   // "number of parallel streams too large"
  constexpr std::uint32_t kNoSuchKind = 18;   // "no SCTP support available"
  constexpr std::uint32_t kParameters = 114;  // "unable to receive parameters from client"
  constexpr std::uint32_t kEnded = 120;       // "the server has terminated"
  std::uint32_t number = kEnded;
  if (error.is(Errc::kBadParameters) || error.is(Errc::kTooLong)) number = kParameters;
  if (error.is(Errc::kTooManyStreams)) number = kStreamCount;
  if (error.is(Errc::kUnsupported)) number = kNoSuchKind;
  put_state(State::kServerError);
  for (const std::uint32_t value : {number, std::uint32_t{0}}) {
    for (int shift = 24; shift >= 0; shift -= 8)
      put_state(static_cast<State>(value >> shift & 0xff));
  }
}

ClientControl::ClientControl(const Cookie& cookie, const Parameters& parameters)
    : parameters_(parameters) {
  for (const std::byte byte : cookie) put_state(static_cast<State>(byte));
}

Event ClientControl::next() {
  if (failed()) return Event::kFailed;
  if (error_follows_) {
    const std::optional<std::uint32_t> number = take_number();
    if (!number) return waiting();
    return fail_with(Error(Errc::kServerError, *number));
  }
  if (step_ == Step::kResults) {
    const Event event = take_results();
    if (event == Event::kResults) step_ = Step::kDisplay;
    return event;
  }
  if (step_ == Step::kOver) return Event::kDone;
  const std::optional<std::uint8_t> byte = take_byte();
  return byte ? take_state(*byte) : waiting();
}

Event ClientControl::take_state(std::uint8_t byte) {
  const auto step = [&](Step from, Step to, Event event) {
    if (step_ != from) return fail_with(Error(Errc::kBadState, byte));
    step_ = to;
    return event;
  };
  switch (static_cast<State>(byte)) {
    case State::kParameters: {
      if (step_ != Step::kHello) break;
      Text<512> text;
      write_json(text, parameters_);
      put_json(text.view());
      step_ = Step::kStreams;
      return next();
    }
    case State::kCreateStreams:
      return step(Step::kStreams, Step::kStart, Event::kCreateStreams);
    case State::kTestStart:
      return step(Step::kStart, Step::kRunning, Event::kStart);
    case State::kTestRunning:
      return step(Step::kRunning, Step::kGiving, Event::kRunning);
    case State::kExchangeResults:
      if (!ended_) break;
      return step(Step::kGiving, Step::kGiving, Event::kExchange);
    case State::kDisplayResults:
      if (step_ != Step::kDisplay) break;
      put_state(State::kDone);
      step_ = Step::kOver;
      return Event::kDone;
    case State::kServerError:
      return error_follows_ = true, next();
    case State::kServerTerminate:
      return fail_with(Errc::kPeerStopped);
    case State::kAccessDenied:
      return fail_with(Errc::kBusy);
    default:
      break;
  }
  return fail_with(Error(Errc::kBadState, byte));
}

void ClientControl::give_results(const Results& results) {
  put_json(to_json(results));
  step_ = Step::kResults;
}

}  // namespace fata::iperf
