#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  // The running unikernel reads this: fata run hello-key -- --greeting=Hi --times 2
  auto greeting = parameter("greeting", "Hello", "what to say");
  auto times = parameter("times", std::uint16_t{4}, "how often to say it");
  auto pause = parameter("pause", Duration{"1s"}, "time between two");
  // This is fixed when the application is configured: fata run hello-key -D name=moon
  auto name = context.key<std::string>("name", "world", "whom to greet");

  Plan plan("hello-key");
  plan.run(functor<Job(Console)>("hello_key::Hello", "hello_key.hpp")(default_console(), greeting,
                                                                      times, pause, name));
  return plan;
}
