#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context&) {
  auto console = default_console();
  auto heads = functor<Job(Console)>("timers::Heads", "heads.hpp");
  auto timeout = functor<Job(Console)>("timers::Timeout", "timeout.hpp");

  // Two jobs side by side, with one console.
  Plan plan("timers");
  plan.run(heads(console))
      .run(timeout(console,
                   parameter("timeout", Duration{"150ms"}, "how long to wait for an answer")));
  return plan;
}
