// Both sides of a test's control connection as engines: bytes in, events and bytes out.
//
//   for (;;) {
//     switch (control.next()) {        // events, until kNothing
//       case Event::kNothing: send control.output(); control.receive(bytes from the connection);
//       ...
#pragma once

#include <optional>
#include <vector>

#include "fata/iperf/messages.hpp"

namespace fata::iperf {

enum class Event : std::uint8_t {
  kNothing,        // more bytes are needed
  kParameters,     // server: parameters() is set; answer with create_streams()
  kCreateStreams,  // client: open the streams
  kStart,          // client: all streams are open
  kRunning,        // client: send and receive
  kEnd,            // server: the client's time is over; answer with exchange_results()
  kExchange,       // client: answer with give_results()
  kResults,        // both: peer_results() is set; the server answers with give_results()
  kDone,           // both: the test ended successfully
  kFailed,         // both: error() holds the reason; final
};

// The part of a control connection that is common to both sides.
class Control {
 public:
  // Received bytes; an empty span is the end of the connection.
  void receive(Bytes in);
  // Bytes to send; the caller takes all of them.
  std::vector<std::byte> output() { return std::exchange(out_, {}); }
  bool has_output() const { return !out_.empty(); }

  const Results& peer_results() const { return results_; }
  const Error& error() const { return *error_; }
  bool failed() const { return error_.has_value(); }
  // The connection has ended; earlier bytes may still be unread.
  bool closed() const { return closed_; }

 protected:
  Event fail_with(Error error);
  void put_state(State state) { out_.push_back(static_cast<std::byte>(state)); }
  void put_json(std::string_view text);
  // A complete JSON text, if received; the bytes stay valid until the next receive().
  std::optional<std::string_view> take_json(std::size_t most);
  std::optional<std::uint8_t> take_byte();
  std::optional<std::uint32_t> take_number();
  Event waiting();  // kNothing, or kFailed if the connection has ended
  Event take_results();

  std::optional<Error> error_;
  Results results_;

 private:
  Bytes unread() const { return Bytes(in_).subspan(read_); }

  std::vector<std::byte> in_;
  std::vector<std::byte> out_;
  std::size_t read_ = 0;
  bool closed_ = false;
};

// The server's side of a test, after the cookie.
class ServerControl final : public Control {
 public:
  ServerControl() { put_state(State::kParameters); }

  Event next();
  const Parameters& parameters() const { return parameters_; }

  void create_streams() { put_state(State::kCreateStreams), step_ = Step::kStreams; }
  // All streams are open.
  void start();
  void exchange_results() { put_state(State::kExchangeResults), step_ = Step::kResults; }
  void give_results(const Results& results);
  // Sends the client the reason for refusing or ending the test.
  void refuse(const Error& error);

 private:
  enum class Step : std::uint8_t { kParameters, kStreams, kRunning, kResults, kDisplay, kOver };
  Event take_state();

  Step step_ = Step::kParameters;
  Parameters parameters_;
};

// The client's side of a test.
class ClientControl final : public Control {
 public:
  ClientControl(const Cookie& cookie, const Parameters& parameters);

  Event next();
  // Ends the test's time.
  void end() { put_state(State::kTestEnd), ended_ = true; }
  void give_results(const Results& results);
  // Ends a test early.
  void terminate() { put_state(State::kClientTerminate); }

 private:
  enum class Step : std::uint8_t {
    kHello,
    kStreams,
    kStart,
    kRunning,
    kGiving,
    kResults,
    kDisplay,
    kOver
  };
  Event take_state(std::uint8_t state);

  Step step_ = Step::kHello;
  bool ended_ = false;
  bool error_follows_ = false;
  Parameters parameters_;
};

}  // namespace fata::iperf
