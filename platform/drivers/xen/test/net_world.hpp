// A NIC's queue with a simulated host and backend.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "fata/sim/bus/net_backend.hpp"
#include "fata/xen/net_queue.hpp"

namespace fata::xen {

inline constexpr Domain kBackend = 5;

struct World {
  explicit World(const NetQueue::Sizes& sizes = {}, std::size_t table = GrantTable::kMaxFrames)
      : host(table), grants(sim::XenHost::grow), queue(grants, sim::XenHost::frame_of, sizes) {}
  sim::NetBackend& connect() {
    EXPECT_TRUE(queue.connect(kBackend));
    queue.publish();
    return backend.emplace(host, kBackend, queue.tx_ring(), queue.rx_ring());
  }
  // The frontend disconnects after the backend: all pages return.
  void part() {
    backend.reset();
    queue.disconnect(false);
    EXPECT_EQ(grants.in_use(), 0U);
  }
  std::uint64_t count(NetQueue::Count which) const { return queue.counters()[which].value; }

  sim::XenHost host;
  GrantTable grants;
  NetQueue queue;
  std::optional<sim::NetBackend> backend;
};

}  // namespace fata::xen
