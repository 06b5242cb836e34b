#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context&) {
  // words/ is a library of this application's own; zlib is Debian's, linked from its archive on
  // kvm.
  auto job =
      functor<Job(Console)>("local_library::Squeeze", "squeeze.hpp")
          .local_library("words")
          .third_party({.name = "z", .package = "zlib1g-dev", .headers = {"zlib.h", "zconf.h"}});

  Plan plan("local-library");
  plan.run(job(default_console(),
               parameter("text", "to be or not to be, to be or not to be", "what to squeeze")));
  return plan;
}
