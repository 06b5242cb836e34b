// A client's output: lines for people, or one JSON object in iperf3's format.
#pragma once

#include <string>

#include "fata/base/address.hpp"
#include "fata/iperf/test.hpp"

namespace fata::iperf {

class Report {
 public:
  Report(const Parameters& parameters, bool as_json);

  // The server's address, known before begin().
  void connected_to(const Endpoint& server) { server_ = server; }

  // Each returns the next part of the text; the view is valid until the next call.
  std::string_view begin();
  // The bytes since the last call; resets the streams' interval counts.
  std::string_view interval(Test& test, Instant now);
  std::string_view omitted();  // the omitted time is over: earlier reports do not count
  struct End {
    const Results& ours;
    const Results& theirs;
  };
  std::string_view end(const Test& test, const End& results);
  std::string_view failed(const Error& error);

 private:
  struct Sums;
  TextWriter& fresh();
  void lines(TextWriter& out, const Test& test, const End& results);
  void json(TextWriter& out, const Test& test, const End& results);

  Endpoint server_;
  Parameters parameters_;
  bool as_json_;
  bool begun_ = false;
  bool first_interval_ = true;
  bool omitting_;
  Duration from_{};
  std::string memory_;
  TextWriter text_;
};

}  // namespace fata::iperf
