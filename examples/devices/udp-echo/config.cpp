#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto echo = functor<Job(Udp)>("udp_echo::Echo", "echo.hpp");
  auto port = parameter("port", std::uint16_t{7007}, "UDP port to answer on");

  Plan plan("udp-echo");
  plan.run(echo(default_stack(context).udp, port));
  plan.forward(Protocol::kUdp, port);
  return plan;
}
