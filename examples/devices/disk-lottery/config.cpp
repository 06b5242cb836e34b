#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto lottery = functor<Job(Block, Random, Console)>("disk_lottery::Lottery", "lottery.hpp");

  Plan plan("disk-lottery");
  plan.run(
      lottery(default_block(context), default_random(), default_console(),
              parameter("slot", std::uint32_t{0}, "sector of the disk in which the draws are kept"),
              parameter("reset", false, "forget what the slot holds"),
              parameter("wait", false, "after the draw, wait until asked to stop")));
  return plan;
}
