// The simulator's speed, in simulated seconds per second:
//   speed idle|load SECONDS     two images that wait, or that move bytes over TCP at 1 Gbit/s
#include <fata/sim/simulator.hpp>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace image_tcp_stream {
fata::async::Task<int> run(fata::async::Context& context);
}
namespace image_tcp_pull {
fata::async::Task<int> run(fata::async::Context& context);
}

int main(int count, char** words) {
  if (count != 3) return 64;
  const bool load = std::string_view(words[1]) == "load";
  const fata::Duration time = fata::seconds(std::atoi(words[2]));
  fata::sim::Simulator simulator;
  simulator.segment("lan").cables.bits_per_second = 1'000'000'000;
  simulator.start(image_tcp_stream::run);
  auto& other =
      simulator.start(load ? image_tcp_pull::run : image_tcp_stream::run, {"--ipv4=10.0.2.16/24"});
  const std::clock_t before = std::clock();
  simulator.run(fata::Instant{} + time);
  const double took = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  other.platform().request_stop();
  simulator.run(fata::Instant{} + time + fata::milliseconds(1));
  std::printf("%s%s: %.1f simulated seconds per second of processor time (%.3f s)\n",
              other.platform().log().c_str(), words[1], static_cast<double>(time.ns) / 1e9 / took,
              took);
}
