#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto stream = functor<Job(Tcp)>("tcp_stream::Stream", "stream.hpp");
  auto port = parameter("port", std::uint16_t{5001}, "TCP port to serve");

  Plan plan("tcp-stream");
  plan.run(stream(default_stack(context).tcp, port));
  plan.forward(Protocol::kTcp, port);
  return plan;
}
