#include "fata/async/background.hpp"

#include "detached.hpp"

namespace fata::async {

namespace {
detail::HeldFrame run(Task<void> task) { co_await std::move(task); }
}  // namespace

Background::Background(Task<void> task) : handle_(run(std::move(task)).handle) {
  start_.handle = handle_;
  current_loop().make_ready(start_);
}

Background::~Background() { handle_.destroy(); }

}  // namespace fata::async
