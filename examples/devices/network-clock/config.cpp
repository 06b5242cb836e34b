#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto wait = functor<Job(Clock, Console)>("network_clock::Wait", "wait.hpp");

  Plan plan("network-clock");
  plan.run(wait(sntp_clock(default_stack(context)), default_console(),
                parameter("error", Duration{"100ms"}, "print the time once it is that exact"),
                parameter("timeout", Duration{"30s"}, "how long to wait for that")));
  return plan;
}
