// Builds the table; used by the fata command, not by an image.
#pragma once

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "fata/crunch/table.hpp"

namespace fata::crunch {

struct Layout {
  std::vector<std::uint32_t> seeds;
  std::vector<std::size_t> slots;  // the key's index for each slot
};

// Keys must be distinct. Buckets have about four keys; the fullest choose their seed first.
inline Layout build_layout(const std::vector<std::string_view>& keys) {
  if (keys.empty()) return {};
  const std::size_t none = keys.size();
  Layout layout{.seeds = std::vector<std::uint32_t>(keys.size() / 4 + 1, 0),
                .slots = std::vector<std::size_t>(keys.size(), none)};
  std::vector<std::vector<std::size_t>> buckets(layout.seeds.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    buckets[hash(0, keys[i]) % buckets.size()].push_back(i);
  std::vector<std::size_t> order(buckets.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t b) { return buckets[b].size(); });

  for (const std::size_t b : order) {
    for (std::uint32_t seed = 1; !buckets[b].empty(); ++seed) {
      std::vector<std::size_t> taken;
      for (const std::size_t key : buckets[b]) {
        const std::size_t slot = hash(seed, keys[key]) % keys.size();
        if (layout.slots[slot] != none || std::ranges::contains(taken, slot)) break;
        taken.push_back(slot);
      }
      if (taken.size() != buckets[b].size()) continue;
      for (std::size_t i = 0; i < taken.size(); ++i) layout.slots[taken[i]] = buckets[b][i];
      layout.seeds[b] = seed;
      break;
    }
  }
  return layout;
}

}  // namespace fata::crunch
