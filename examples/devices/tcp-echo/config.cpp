#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto echo = functor<Job(Tcp)>("tcp_echo::Echo", "echo.hpp").library("flow");
  auto port = parameter("port", std::uint16_t{7007}, "TCP port to answer on");
  auto most = parameter("connections", std::uint32_t{1000},
                        "at most, at once; then the client with the most has one less");
  auto of_one = parameter("per-client", std::uint32_t{1000},
                          "at most, at once, from one address; then its longest idle one ends");

  Plan plan("tcp-echo");
  plan.run(echo(default_stack(context).tcp, port, most, of_one));
  plan.forward(Protocol::kTcp, port);
  return plan;
}
