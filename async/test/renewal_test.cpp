#include "fata/async/renewal.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "fata/async/wait.hpp"
#include "fata/sim/platform.hpp"

namespace fata::async {
namespace {

struct Secret final : Renewal {
  explicit Secret(std::vector<int>& order, int number) : order(&order), number(number) {}
  void renew(const SipKey& fresh) override {
    keys.push_back(fresh);
    order->push_back(number);
  }
  std::vector<int>* order;
  int number;
  std::vector<SipKey> keys;
};

Task<void> restored_once(sim::Platform* platform, const std::vector<int>* order) {
  co_await sleep(seconds(1));
  EXPECT_TRUE(order->empty()) << "nothing was restored";
  ++platform->generation;
  co_await sleep(seconds(1));
  EXPECT_EQ(*order, (std::vector{1, 2}));
  co_await sleep(seconds(100));
}

TEST(Renewal, ARestoreGivesEachASecretOfItsOwnInOrderAndOnce) {
  sim::Platform platform;
  std::vector<int> order;
  Secret first(order, 1), second(order, 2);
  platform.loop().on_restore(first);
  platform.loop().on_restore(second);
  platform.run([&] { return restored_once(&platform, &order); });
  EXPECT_EQ(order, (std::vector{1, 2})) << "once for each restore";
  EXPECT_NE(first.keys.at(0).k0, second.keys.at(0).k0);
}

Task<void> restored_without(sim::Platform* platform, std::optional<Secret>* one) {
  co_await sleep(seconds(1));
  one->reset();
  ++platform->generation;
  co_await sleep(seconds(1));
}

TEST(Renewal, OneThatDiedIsLeftOutAndRestoresOfBeforeDoNotCount) {
  sim::Platform platform;
  std::vector<int> order;
  platform.generation = 5;
  Secret stays(order, 1);
  std::optional<Secret> dies(std::in_place, order, 2);
  platform.loop().on_restore(stays);
  platform.loop().on_restore(*dies);
  platform.run([&] { return restored_without(&platform, &dies); });
  EXPECT_EQ(order, std::vector{1});
}

}  // namespace
}  // namespace fata::async
