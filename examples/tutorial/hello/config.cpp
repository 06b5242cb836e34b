#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context&) {
  auto hello = functor<Job()>("hello::Hello", "hello.hpp");

  Plan plan("hello");
  plan.run(hello());
  return plan;
}
