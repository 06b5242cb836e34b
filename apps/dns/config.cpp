#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto server = functor<Job(Udp, Tcp, KeyValue)>("dns_server::Server", "server.hpp").library("dns");

  auto port = parameter("port", std::uint16_t{1053}, "UDP and TCP port to serve on");
  auto zones = parameter("zone", "example.org.zone", "zone file to serve, one of those in zones/");
  auto net = default_stack(context);

  Plan plan("dns");
  plan.run(server(net.udp, net.tcp, crunch("zones"), port, zones));
  plan.forward(Protocol::kUdp, port);
  plan.forward(Protocol::kTcp, port);
  return plan;
}
