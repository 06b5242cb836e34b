#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto busy = functor<Job(Block, Console)>("busy_disk::Busy", "busy.hpp");

  Plan plan("busy-disk");
  plan.run(busy(default_block(context), default_console()));
  return plan;
}
