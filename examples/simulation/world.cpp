// An echo server and its client on a network that loses and reorders frames. The server is killed
// and starts again; the client goes on. The argument is the seed.
#include <fata/sim/simulator.hpp>

#include <cstdio>
#include <cstdlib>

namespace image_tcp_echo {
fata::async::Task<int> run(fata::async::Context& context);
}
namespace image_client {
fata::async::Task<int> run(fata::async::Context& context);
}

int main(int count, char** words) {
  using fata::milliseconds, fata::seconds;
  const fata::Instant start{};
  fata::sim::Simulator simulator(count > 1 ? std::strtoull(words[1], nullptr, 10) : 1);
  simulator.segment("lan").cables = {
      .delay = milliseconds(1), .loss = 20, .duplication = 10, .reordering = 50};
  auto& server = simulator.start(image_tcp_echo::run);
  auto& client = simulator.start(image_client::run, {"--ipv4=10.0.2.16/24"});

  simulator.run(start + seconds(5));
  server.kill();
  simulator.run(start + seconds(8));
  auto& again = simulator.start_again(server);
  simulator.run(start + seconds(15));
  client.platform().request_stop();
  simulator.run(start + seconds(16));
  again.platform().request_stop();
  simulator.run(start + seconds(17));

  std::printf("%sserver: %s, then status %d\n%s%sframes: %016llx\n",
              client.platform().log().c_str(), server.panic().c_str(), again.status(),
              server.platform().log().c_str(), again.platform().log().c_str(),
              static_cast<unsigned long long>(simulator.network().digest()));
}
