#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto client = functor<Job(Tcp)>("client::Client", "client.hpp");
  Plan plan("client");
  plan.run(client(default_stack(context).tcp,
                  parameter("to", Ipv4{"10.0.2.15"}, "address of the echo server"),
                  parameter("to-port", std::uint16_t{7007}, "its TCP port"),
                  parameter("every", Duration{"100ms"}, "pause between two questions")));
  return plan;
}
