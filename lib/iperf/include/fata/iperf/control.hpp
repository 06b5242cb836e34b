// The control connection of a test, from both sides, as engines: bytes in, events and bytes out.
//
//   for (;;) {
//     switch (control.next()) {        // what happened, until nothing more has
//       case Event::kNothing: send control.output(); control.receive(bytes from the connection);
//       ...
#pragma once

#include <optional>
#include <vector>

#include "fata/iperf/messages.hpp"

namespace fata::iperf {

enum class Event : std::uint8_t {
  kNothing,        // more bytes are needed
  kParameters,     // server: parameters() are there; answer with create_streams()
  kCreateStreams,  // client: open them
  kStart,          // client: all are open
  kRunning,        // client: send and receive
  kEnd,            // server: the client says that the time is over; answer with exchange_results()
  kExchange,       // client: answer with give_results()
  kResults,        // both: peer_results() are there; the server answers with give_results()
  kDone,           // both: the test is over, and all went well
  kFailed,         // both: error() says why; final
};

// What both sides share.
class Control {
 public:
  // What the connection gave; an empty piece is its end.
  void receive(Bytes in);
  // What is to be sent; the caller takes all of it.
  std::vector<std::byte> output() { return std::exchange(out_, {}); }
  bool has_output() const { return !out_.empty(); }

  const Results& peer_results() const { return results_; }
  const Error& error() const { return *error_; }
  bool failed() const { return error_.has_value(); }
  // The connection has ended; what came before may still be unread.
  bool closed() const { return closed_; }

 protected:
  Event fail_with(Error error);
  void put_state(State state) { out_.push_back(static_cast<std::byte>(state)); }
  void put_json(std::string_view text);
  // A whole JSON text, if it is there; the bytes stay valid until the next receive().
  std::optional<std::string_view> take_json(std::size_t most);
  std::optional<std::uint8_t> take_byte();
  std::optional<std::uint32_t> take_number();
  Event waiting();  // kNothing, or kFailed if nothing more can come
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

// A test as its server sees it, once the cookie was read.
class ServerControl final : public Control {
 public:
  ServerControl() { put_state(State::kParameters); }

  Event next();
  const Parameters& parameters() const { return parameters_; }

  void create_streams() { put_state(State::kCreateStreams), step_ = Step::kStreams; }
  // All streams are there.
  void start();
  void exchange_results() { put_state(State::kExchangeResults), step_ = Step::kResults; }
  void give_results(const Results& results);
  // Tells the client why there will be no test.
  void refuse(const Error& error);

 private:
  enum class Step : std::uint8_t { kParameters, kStreams, kRunning, kResults, kDisplay, kOver };
  Event take_state();

  Step step_ = Step::kParameters;
  Parameters parameters_;
};

// A test as its client sees it.
class ClientControl final : public Control {
 public:
  ClientControl(const Cookie& cookie, const Parameters& parameters);

  Event next();
  // The time is over.
  void end() { put_state(State::kTestEnd), ended_ = true; }
  void give_results(const Results& results);
  // Ends a test before its time.
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
