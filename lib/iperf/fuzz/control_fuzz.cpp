// Passes arbitrary control-connection input, in pieces, to the server and to the client of a test.
// The number of events per piece and the number of streams must stay bounded.
#include "fata/base/panic.hpp"
#include "fata/iperf/control.hpp"

namespace {

using namespace fata::iperf;

template <class Engine, class Answer>
void feed(Engine engine, fata::Bytes bytes, Answer answer) {
  std::size_t piece = 1;
  while (!bytes.empty()) {
    const std::size_t count = std::min(piece, bytes.size());
    engine.receive(bytes.first(count));
    bytes = bytes.subspan(count);
    piece = piece * 3 % 61 + 1;
    for (int events = 0;; ++events) {
      fata::check(events < 200, "events without end");
      const Event event = engine.next();
      (void)engine.output();
      if (event == Event::kFailed || event == Event::kDone) return;
      if (event == Event::kNothing) break;
      answer(engine, event);
    }
  }
  engine.receive({});
  (void)engine.next();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fata::Bytes bytes = std::as_bytes(fata::danger_span(data, size));
  const Results some{.streams = {{.id = 1, .bytes = 2}}};
  feed(ServerControl(), bytes, [&](ServerControl& server, Event event) {
    if (event == Event::kParameters) {
      fata::check(server.parameters().streams() <= 2 * kMaxStreams, "streams are bounded");
      server.create_streams();
      server.start();
    }
    if (event == Event::kEnd) server.exchange_results();
    if (event == Event::kResults) server.give_results(some);
  });
  feed(ClientControl(make_cookie({}), {.length = 100}), bytes,
       [&](ClientControl& client, Event event) {
         if (event == Event::kRunning) client.end();
         if (event == Event::kExchange) client.give_results(some);
       });
  return 0;
}
