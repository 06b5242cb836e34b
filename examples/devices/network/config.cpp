#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto mirror = functor<Job(NetDevice)>("network_example::Mirror", "mirror.hpp").library("wire");

  Plan plan("network");
  plan.run(mirror(
      default_network(context),
      parameter("frames", std::uint32_t{0}, "frames to send back before the end; 0: for ever")));
  return plan;
}
