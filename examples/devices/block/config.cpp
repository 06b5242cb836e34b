#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto check = functor<Job(Block, Console)>("block_example::Check", "check.hpp");

  Plan plan("block");
  plan.run(check(default_block(context), default_console()));
  return plan;
}
