#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context&) {
  auto ticks = functor<Job(Clock, Console)>("clock_example::Ticks", "ticks.hpp");

  Plan plan("clock");
  plan.run(ticks(default_clock(), default_console(),
                 parameter("times", std::uint16_t{3}, "how often to tell the time"),
                 parameter("pause", Duration{"1s"}, "time between two")));
  return plan;
}
