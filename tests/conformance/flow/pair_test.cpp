#include "fata/flow/pair.hpp"
#include "conformance.hpp"
#include "fata/base/pool.hpp"
#include "fata/sim/platform.hpp"

namespace fata {
namespace {

struct PairWorld {
  struct Ends {
    std::unique_ptr<flow::PairEnd> left, right;
  };
  async::Task<Ends> connect() {
    auto [left, right] = flow::make_pair(10'000, pool);
    co_return Ends{std::move(left), std::move(right)};
  }
  Slice bytes(std::string_view text) { return Slice(pool.copy(as_bytes(text))); }
  static constexpr bool kNamesEnds = false;
  static sig::Session session() { return {}; }
  BufferPool pool{4096, 4096};
};

struct PairRunner {
  template <class F>
  static void run(F test) {
    sim::Platform platform;
    PairWorld world;
    platform.run([&] { return test(&world); });
    EXPECT_EQ(world.pool.available(), world.pool.count());
  }
};
FLOW_CONFORMANCE(FlowOfAPair, PairRunner)

}  // namespace
}  // namespace fata
