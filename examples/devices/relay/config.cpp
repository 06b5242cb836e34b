#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto relay = functor<Job(Tcp, Connector)>("relay::Relay", "relay.hpp").library("flow");
  auto port = parameter("port", std::uint16_t{7008}, "TCP port to accept connections on");
  auto to = optional_parameter<std::string>("to", "host name or address to relay to");
  auto to_port = parameter("to-port", std::uint16_t{7007}, "TCP port there");
  auto most = parameter("connections", std::uint32_t{1000},
                        "at most, at once; then the client with the most has one less");

  Plan plan("relay");
  const Stack net = default_stack(context);
  plan.run(relay(net.tcp, happy_eyeballs(net.tcp, resolver(net)), port, to, to_port, most));
  plan.forward(Protocol::kTcp, port);
  return plan;
}
