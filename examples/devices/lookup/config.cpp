#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto lookup =
      functor<Job(Resolver, Console)>("lookup_example::Lookup", "lookup.hpp").library("dns");

  Plan plan("lookup");
  plan.run(lookup(resolver(default_stack(context)), default_console(),
                  parameter("name", "localhost", "what to look up"),
                  parameter("type", "", "record type, such as A or MX; empty: A and AAAA"),
                  parameter("timeout", Duration{"15s"}, "how long to wait for an answer")));
  return plan;
}
