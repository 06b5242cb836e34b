#include "fata/kernel/console_input.hpp"

#include <utility>

#include "fata/base/panic.hpp"
#include "fata/kernel/console_buffer.hpp"

namespace fata::kernel {

namespace {
constinit ConsoleInput* the_input = nullptr;
}  // namespace

void console_typed(char c) noexcept {
  if (the_input != nullptr) the_input->typed(c);
}

ConsoleInput::ConsoleInput(bool enabled) {
  if (!enabled) return;
  check(the_input == nullptr, "two listen to the console");
  the_input = this;
}

ConsoleInput::~ConsoleInput() {
  if (the_input == this) the_input = nullptr;
}

void ConsoleInput::typed(char c) noexcept {
  if (c == '\r' || c == '\n') {
    if (std::exchange(only_n_, false) && !std::exchange(other_, false)) {
      asked_ = true;
      waiting_.notify_all();
    }
    other_ = false;
  } else {
    other_ = other_ || only_n_ || c != 'n';
    only_n_ = c == 'n';
  }
}

async::Task<Result<void>> ConsoleInput::next(async::Wait wait) {
  while (!std::exchange(asked_, false)) {
    if (const auto woken = co_await waiting_.wait(wait); !woken)
      co_return fail(Error(woken.error()));
  }
  co_return Result<void>{};
}

}  // namespace fata::kernel
