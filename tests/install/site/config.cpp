#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context&) {
  Plan plan("site");
  plan.run(functor<Job(Console, KeyValue)>("site::Site", "site.hpp")(default_console(),
                                                                     crunch("pages")));
  return plan;
}
