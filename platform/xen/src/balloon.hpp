// The memory that the domain's manager wants it to have: what it was started with, less what it is
// asked to give back (`xl mem-set`, or a configuration whose maxmem is more than its memory).
#pragma once

#include <optional>
#include <vector>

#include "fata/async/background.hpp"
#include "fata/xen/store.hpp"

namespace fata::xen {

// Holds pieces of the heap whose pages Xen has back. What the application uses stays its own: if
// that leaves too little, less is given back than was asked for.
class Balloon {
 public:
  // Starts listening; with the loop there.
  void start(Store& store);

 private:
  static constexpr std::size_t kPages = 32;  // of a piece: what one call of the hypervisor is told

  static async::Task<void> follow(Balloon* self, Store* store);
  bool inflate();
  bool deflate();

  std::vector<std::byte*> pieces_;
  std::optional<async::Background> follower_;
};

}  // namespace fata::xen
