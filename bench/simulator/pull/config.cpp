#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto pull = functor<Job(Tcp)>("tcp_pull::Pull", "pull.hpp");
  Plan plan("tcp-pull");
  plan.run(pull(default_stack(context).tcp,
                parameter("from", Ipv4{"10.0.2.15"}, "address of a bench/stream"),
                parameter("port", std::uint16_t{5001}, "its TCP port")));
  return plan;
}
