#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto visitor = functor<Job(Udp, Tcp, Connector)>("stack_example::Visitor", "visitor.hpp");
  auto port = parameter("port", std::uint16_t{7007}, "UDP and TCP port to listen on");
  // The whole stack as one value: its members share its addresses, its tables and its memory.
  const Stack net = default_stack(context, {.netstat = true});

  Plan plan("stack");
  plan.run(visitor(net.udp, net.tcp, happy_eyeballs(net.tcp, resolver(net)), port,
                   optional_parameter<std::string>(
                       "peer", "host to connect to at the start, on the same port")));
  plan.forward(Protocol::kUdp, port);
  plan.forward(Protocol::kTcp, port);
  return plan;
}
