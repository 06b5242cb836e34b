// A disk's queue with a simulated host and backend.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "fata/sim/bus/block_backend.hpp"
#include "fata/xen/block_queue.hpp"

namespace fata::xen {

struct BlockWorld {
  static constexpr Domain kBackend = 5;
  static constexpr std::uint16_t kHandle = 51712;

  explicit BlockWorld(const BlockQueue::Sizes& sizes = {},
                      std::size_t table = GrantTable::kMaxFrames)
      : host(table), grants(sim::XenHost::grow), queue(grants, sim::XenHost::frame_of, sizes) {}
  sim::BlockBackend& connect(const BlockOffer& offer, bool keeps = true) {
    EXPECT_TRUE(queue.connect(kBackend, kHandle));
    limits = *BlockLimits::parse(offer);
    queue.start(limits);
    return backend.emplace(host, kBackend, queue.ring(), keeps);
  }
  // The frontend disconnects after the backend: all pages return.
  void part() {
    backend.reset();
    queue.disconnect(false);
    EXPECT_EQ(grants.in_use(), 0U);
  }

  sim::XenHost host;
  GrantTable grants;
  BlockQueue queue;
  BlockLimits limits;
  std::optional<sim::BlockBackend> backend;
};

}  // namespace fata::xen
