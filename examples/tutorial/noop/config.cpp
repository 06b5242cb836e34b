#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context&) {
  Plan plan("noop");
  plan.run(functor<Job()>("noop::Noop", "noop.hpp")());
  return plan;
}
