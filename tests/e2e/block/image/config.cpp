#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto suite = functor<Job(Block, Block, Console)>("block_suite::Suite", "suite.hpp");

  Plan plan("block-suite");
  plan.run(suite(default_block(context), default_block(context, "other"), default_console(),
                 parameter("seed", std::uint32_t{1}, "of what the suite draws")));
  return plan;
}
