// The domain's memory target: the memory that it was started with, less the memory that the manager
// requests back (`xl mem-set`, or a configuration whose maxmem is more than its memory).
#pragma once

#include <optional>
#include <vector>

#include "fata/async/background.hpp"
#include "fata/bus/xen/store.hpp"

namespace fata::xen {

using namespace bus::xen;

// Holds pieces of the heap whose pages were returned to Xen. It never takes memory that the
// application uses; if too little is free, it returns less than requested.
class Balloon {
 public:
  // Starts watching the target; needs the loop.
  void start(Store& store);

 private:
  static constexpr std::size_t kPages = 32;  // of a piece: the pages of one hypercall

  static async::Task<void> follow(Balloon* self, Store* store);
  bool inflate();
  bool deflate();

  std::vector<std::byte*> pieces_;
  std::optional<async::Background> follower_;
};

}  // namespace fata::xen
