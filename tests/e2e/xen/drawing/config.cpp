#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context&) {
  Plan plan("drawing");
  plan.run(functor<Job(Random)>("drawing::Drawing", "drawing.hpp")(default_random()));
  return plan;
}
