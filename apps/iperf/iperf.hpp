// iperf3's counterpart: measures what a network carries, as the server of any iperf3.
#pragma once

#include <fata/iperf/server.hpp>

namespace iperf_app {

template <fata::sig::Tcp Tcp, fata::sig::Udp Udp, fata::sig::Clock Clock>
class Iperf {
 public:
  Iperf(fata::async::Context& context, Tcp& tcp, Udp& udp, Clock& clock, std::uint16_t port)
      : server_(context, tcp, udp, clock, {.port = port}) {}

  fata::async::Task<int> start() { return server_.serve(); }

 private:
  fata::iperf::Server<Tcp, Udp, Clock> server_;
};

}  // namespace iperf_app
