#include "fata/sim/simulator.hpp"

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>

#if __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#endif

#include "fata/base/panic.hpp"
#include "fata/sim/learning_switch.hpp"
#include "fata/sim/net_device.hpp"

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

// What stays when an image ends: its program, its cables and its disks.
class Simulator::Machine {
 public:
  Machine(Simulator& simulator, std::size_t number, Main main,
          std::vector<std::string_view> arguments)
      : simulator_(&simulator),
        number_(static_cast<std::uint16_t>(number)),
        main_(std::move(main)),
        arguments_(std::move(arguments)) {}

  const Main& main() const { return main_; }
  const std::vector<std::string_view>& arguments() const { return arguments_; }
  Instant now() const { return simulator_->now_; }
  Network& network() { return simulator_->network_; }
  MacAddress mac(std::size_t nic) const {
    MacAddress mac;
    mac.octets[0] = std::byte{2};  // locally administered
    mac.octets[1] = std::byte{0xfa};
    store_be(MutableBytes(mac.octets).subspan(2), number_);
    store_be(MutableBytes(mac.octets).subspan(4), static_cast<std::uint16_t>(nic));
    return mac;
  }

  void plug(NetDevice& nic, std::size_t number, std::string_view segment) {
    if (Link* const link = cable(number)) return network().plug(nic, *link);
    const Segment& into = simulator_->segment(segment);
    cables_[number] = &network().join(nic, into.hub->port(), into.cables);
  }
  Link* cable(std::size_t nic) const {
    const auto found = cables_.find(nic);
    return found == cables_.end() ? nullptr : found->second;
  }
  Disk& disk(std::string_view name, const DiskOptions& options) {
    const auto found = disks_.find(name);
    if (found != disks_.end()) return *found->second;
    Drive& drive = *simulator_;
    return *disks_.emplace(name, std::make_unique<Disk>(drive, options)).first->second;
  }
  void forget_disk_operations() {
    for (const auto& [name, disk] : disks_) disk->forget_user();
  }

 private:
  Simulator* simulator_;
  std::uint16_t number_;
  Main main_;
  std::vector<std::string_view> arguments_;
  std::map<std::size_t, Link*> cables_;
  std::map<std::string, std::unique_ptr<Disk>, std::less<>> disks_;
};

class Simulator::Fiber final : public Instance, private Platform::Outside {
 public:
  Fiber(Instant now, std::uint64_t seed, std::shared_ptr<Machine> machine)
      : machine_(std::move(machine)), platform_(seed, now, *this), wake_(now) {
    platform_.arguments = machine_->arguments();
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
  Link* cable(std::size_t nic) const override { return machine_->cable(nic); }
  Disk& disk(std::string_view name, const DiskOptions& options) override {
    return machine_->disk(name, options);
  }
  void kill() override {
    if (state_ != State::kRunning) return;
    panic_ = "killed";
    abandon(State::kPanicked);
  }
  const std::shared_ptr<Machine>& machine() const { return machine_; }

  // True once its stack holds nothing that a destructor would have to release.
  bool has_returned() const { return returned_; }
  // The time of its next event; never if it has ended.
  Instant next_event() const { return state_ == State::kRunning ? wake_ : Instant::never(); }

  void resume(Instant now) {
    const Platform::Current current(platform_);
    platform_.set_now(now);
    g_resumed = this;
    on_own_stack_ = true;
    switch_stacks(outer_, own_, false);
    on_own_stack_ = false;
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
    return loop.run(machine_->main()(context));
  }

  void idle(Instant deadline) override {
    wake_ = deadline;
    switch_stacks(own_, outer_, false);
  }
  void wake() override { wake_ = std::min(wake_, machine_->now()); }
  Network& network() override { return machine_->network(); }
  void plug(NetDevice& nic, std::size_t number, std::string_view segment) override {
    machine_->plug(nic, number, segment);
    nics_.push_back(&nic);
  }
  void unplug(NetDevice& nic) override {
    network().unplug(nic);
    std::erase(nics_, &nic);
  }
  MacAddress mac(std::size_t nic) const override { return machine_->mac(nic); }
  Disk& disk(std::string_view name) override { return machine_->disk(name, {}); }
  [[noreturn]] void end(int status) override {
    status_ = status;
    leave(State::kEnded);
  }
  [[noreturn]] void panicked(std::string what) override {
    panic_ = std::move(what);
    leave(State::kPanicked);
  }
  // What the stack holds is never destroyed.
  void abandon(State state) {
    state_ = state;
    while (!nics_.empty()) unplug(*nics_.back());
    machine_->forget_disk_operations();
  }
  [[noreturn]] void leave(State state) {
    if (!on_own_stack_) {
      // Code of the simulator failed on behalf of the image, for example its NIC.
      std::fprintf(stderr, "panic outside of the image's code: %s\n", panic_.c_str());
      std::abort();
    }
    abandon(state);
    switch_stacks(own_, outer_, true);
    std::abort();  // not reached: nothing resumes an instance that has ended
  }

  std::shared_ptr<Machine> machine_;
  std::vector<NetDevice*> nics_;
  Platform platform_;
  Instant wake_;
  State state_ = State::kRunning;
  bool on_own_stack_ = false;
  bool returned_ = false;
  int status_ = 0;
  std::string panic_;
  std::unique_ptr<std::byte[]> memory_;
  Stack own_, outer_;
};

Simulator::Simulator(std::uint64_t seed) : seeds_(seed), random_(~seed) {}

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
  return add(std::make_shared<Machine>(*this, ++machines_, std::move(main), std::move(arguments)),
             before);
}

Instance& Simulator::start_again(const Instance& ended,
                                 const std::function<void(Platform&)>& before) {
  check(ended.state() != Instance::State::kRunning, "an image runs once on its machine");
  const auto fiber = std::ranges::find(
      fibers_, &ended, [](const auto& each) { return static_cast<const Instance*>(each.get()); });
  check(fiber != fibers_.end(), "an instance of another simulator");
  return add((*fiber)->machine(), before);
}

Instance& Simulator::add(std::shared_ptr<Machine> machine,
                         const std::function<void(Platform&)>& before) {
  fibers_.push_back(std::make_unique<Fiber>(now_, seeds_.next(), std::move(machine)));
  if (before) before(fibers_.back()->platform());
  return *fibers_.back();
}

Segment& Simulator::segment(std::string_view name) {
  const auto found = segments_.find(name);
  if (found != segments_.end()) return found->second;
  return segments_.emplace(name, Segment{{}, &network_.add_switch()}).first->second;
}

bool Simulator::run(Instant until) {
  for (;;) {
    const auto next =
        std::ranges::min_element(fibers_, {}, [](const auto& f) { return f->next_event(); });
    const Instant due = next == fibers_.end() ? Instant::never() : (*next)->next_event();
    const Instant event = std::min(due, timers_.next());
    if (event.is_never()) return false;
    if (event > until) break;
    now_ = std::max(now_, event);
    // The network before the images, so that these receive all that has arrived by now.
    if (timers_.fire(now_, 1) == 0) (*next)->resume(now_);
  }
  now_ = std::max(now_, until);
  return true;
}

}  // namespace fata::sim
