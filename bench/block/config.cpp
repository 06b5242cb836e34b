#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto load = functor<Job(Block, Clock, Console)>("block_bench::Load", "load.hpp");

  Plan plan("block-bench");
  plan.run(load(default_block(context), default_clock(), default_console(),
                parameter("what", "read", "read, write or flush (a write and a flush each)"),
                parameter("size", std::uint32_t{4096}, "bytes of one operation"),
                parameter("depth", std::uint32_t{1}, "operations under way"),
                parameter("sequential", false, "one after the other instead of anywhere"),
                parameter("duration", Duration{"2s"}, "how long")));
  return plan;
}
