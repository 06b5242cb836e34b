#include "fata/sim/simulator.hpp"

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <cstddef>

#if __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#endif

#include "fata/base/panic.hpp"

namespace fata::sim {

namespace {
constexpr std::size_t kStack = std::size_t{1} << 20;

// A stack of execution. The address sanitizer must be told of each switch.
struct Stack {
  ucontext_t saved{};
  const void* bottom = nullptr;
  std::size_t size = 0;
  void* fake = nullptr;
};

void switch_stacks(Stack& from, Stack& to, bool from_ends) {
#if __has_feature(address_sanitizer)
  __sanitizer_start_switch_fiber(from_ends ? nullptr : &from.fake, to.bottom, to.size);
#else
  (void)from_ends;
#endif
  ::swapcontext(&from.saved, &to.saved);
#if __has_feature(address_sanitizer)
  __sanitizer_finish_switch_fiber(from.fake, &to.bottom, &to.size);
#endif
}
}  // namespace

class Simulator::Fiber final : public Instance, private Platform::Outside {
 public:
  Fiber(Instant now, std::uint64_t seed, Main main, std::vector<std::string_view> arguments)
      : main_(std::move(main)), platform_(seed, now, *this), wake_(now) {
    platform_.arguments = std::move(arguments);
    memory_ = std::make_unique_for_overwrite<std::byte[]>(kStack);
    ::getcontext(&own_.saved);
    own_.saved.uc_stack.ss_sp = memory_.get();
    own_.saved.uc_stack.ss_size = kStack;
    own_.bottom = memory_.get();
    own_.size = kStack;
    ::makecontext(&own_.saved, &Fiber::begin, 0);
  }

  Platform& platform() override { return platform_; }
  State state() const override { return state_; }
  int status() const override { return status_; }
  const std::string& panic() const override { return panic_; }

  // True once its stack holds nothing that a destructor would have to release.
  bool has_returned() const { return returned_; }
  // The time of its next event; never if it has ended.
  Instant wake() const { return state_ == State::kRunning ? wake_ : Instant::never(); }

  void resume(Instant now) {
    const Platform::Current current(platform_);
    platform_.set_now(now);
    g_resumed = this;
    switch_stacks(outer_, own_, false);
  }

 private:
  static inline Fiber* g_resumed = nullptr;

  static void begin() {
    Fiber& self = *g_resumed;
#if __has_feature(address_sanitizer)
    __sanitizer_finish_switch_fiber(nullptr, &self.outer_.bottom, &self.outer_.size);
#endif
    const int status = self.image();
    self.returned_ = true;
    self.end(status);
  }
  int image() {
    async::Loop& loop = platform_.loop();
    async::CancelSource stop;
    loop.cancel_on_stop(stop);
    async::Context context{loop, stop.token()};
    context.memory = platform_.memory;
    return loop.run(main_(context));
  }

  void idle(Instant deadline) override {
    wake_ = deadline;
    switch_stacks(own_, outer_, false);
  }
  [[noreturn]] void end(int status) override {
    status_ = status;
    leave(State::kEnded);
  }
  [[noreturn]] void panicked(std::string what) override {
    panic_ = std::move(what);
    leave(State::kPanicked);
  }
  [[noreturn]] void leave(State state) {
    state_ = state;
    switch_stacks(own_, outer_, true);
    std::abort();  // not reached: nothing resumes an instance that has ended
  }

  Main main_;
  Platform platform_;
  Instant wake_;
  State state_ = State::kRunning;
  bool returned_ = false;
  int status_ = 0;
  std::string panic_;
  std::unique_ptr<std::byte[]> memory_;
  Stack own_, outer_;
};

Simulator::Simulator(std::uint64_t seed) : seed_(seed) {}

Simulator::~Simulator() {
  // The stack of an instance that did not end by itself still owns objects, which nothing can
  // destroy. The list itself is not destroyed, either.
  static auto& kept = *new std::vector<std::unique_ptr<Fiber>>;
  for (std::unique_ptr<Fiber>& fiber : fibers_) {
    if (!fiber->has_returned()) kept.push_back(std::move(fiber));
  }
}

Instance& Simulator::start(Main main, std::vector<std::string_view> arguments,
                           const std::function<void(Platform&)>& before) {
  const std::uint64_t seed = seed_ + 0x9e3779b97f4a7c15 * (fibers_.size() + 1);
  fibers_.push_back(std::make_unique<Fiber>(now_, seed, std::move(main), std::move(arguments)));
  if (before) before(fibers_.back()->platform());
  return *fibers_.back();
}

bool Simulator::run(Instant until) {
  for (;;) {
    const auto next =
        std::ranges::min_element(fibers_, {}, [](const auto& f) { return f->wake(); });
    if (next == fibers_.end() || (*next)->wake().is_never()) return false;
    if ((*next)->wake() > until) break;
    now_ = std::max(now_, (*next)->wake());
    (*next)->resume(now_);
  }
  now_ = std::max(now_, until);
  return true;
}

}  // namespace fata::sim
