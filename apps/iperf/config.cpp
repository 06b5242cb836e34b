#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto iperf = functor<Job(Tcp, Udp, Clock)>("iperf_app::Iperf", "iperf.hpp").library("iperf");
  auto port = parameter("port", std::uint16_t{5201}, "port of the server, TCP and UDP");
  auto net = default_stack(context);

  Plan plan("iperf");
  plan.run(iperf(net.tcp, net.udp, default_clock(), port));
  plan.forward(Protocol::kTcp, port);
  plan.forward(Protocol::kUdp, port);
  return plan;
}
