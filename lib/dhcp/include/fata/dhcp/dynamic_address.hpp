// DynamicAddress: the IPv4 address of an interface as a device of a plan, static or from DHCP.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "fata/async/context.hpp"
#include "fata/dhcp/driver.hpp"
#include "fata/dhcp/setup.hpp"
#include "fata/sig/clock.hpp"
#include "fata/sig/stack_port.hpp"
#include "fata/stack/addresses.hpp"
#include "fata/stack/families.hpp"

namespace fata::dhcp {

// `Previous`: the DynamicAddress of the interface before, for further interfaces.
template <sig::StackPort Stack, class Udp, class Ipv4, class Interface, sig::Random Random,
          class... Previous>
class DynamicAddress final {
 public:
  DynamicAddress(Stack& stack, Udp& udp, Ipv4& v4, Interface& on, Previous&... previous)
      : stack_(&stack), udp_(&udp), v4_(&v4), on_(&on), first_{previous.client()...} {}
  ~DynamicAddress() {
    if (driver_) stack_->remove(*driver_);
  }

  // Searches for an address. With `wait`, waits for those of all interfaces so far, but not
  // indefinitely. Only the first interface has a gateway.
  static async::Task<Result<std::unique_ptr<DynamicAddress>>> connect(
      async::Context& context, Stack& stack, Udp& udp, Ipv4& v4, Interface& on, Random& random,
      Previous&... previous, Setup setup, Ipv4Address gateway, HostName host_name, bool probe,
      bool wait = true)
    requires(sizeof...(Previous) == 0)
  {
    auto made = std::make_unique<DynamicAddress>(stack, udp, v4, on, previous...);
    made->use(random, setup, {host_name, probe}, gateway);
    return with_addresses(std::move(made), wait, context.stop);
  }
  static async::Task<Result<std::unique_ptr<DynamicAddress>>> connect(
      async::Context& context, Stack& stack, Udp& udp, Ipv4& v4, Interface& on, Random& random,
      Previous&... previous, Setup setup, HostName host_name, bool probe, bool wait = true)
    requires(sizeof...(Previous) == 1)
  {
    auto made = std::make_unique<DynamicAddress>(stack, udp, v4, on, previous...);
    made->use(random, setup, {host_name, probe});
    return with_addresses(std::move(made), wait, context.stop);
  }

  // The stack's first driver; null if no address so far is from DHCP.
  Driver* client() { return first() != nullptr || !driver_ ? first() : &*driver_; }

 private:
  Driver* first() const {
    if constexpr (sizeof...(Previous) != 0) {
      return first_[0];
    } else {
      return nullptr;
    }
  }
  void use(Random& random, const Setup& setup, const Options& options, const auto&... gateway) {
    if (!setup.dhcp) {
      stack::use_address(stack_->log(), v4_->engine(), on_->interface(), stack_->now(),
                         setup.address, gateway...);
      return stack_->flush();
    }
    driver_.emplace(Ports{&stack_->host(), &udp_->table(), &v4_->engine(), stack_, &stack_->log()},
                    on_->interface(), sig::drawn_key(random), options, first());
    stack_->add(*driver_);
    stack_->flush();
  }
  static async::Task<Result<std::unique_ptr<DynamicAddress>>> with_addresses(
      std::unique_ptr<DynamicAddress> made, bool wait, async::CancelToken stop) {
    for (Driver* each = wait ? made->client() : nullptr; each != nullptr; each = each->next()) {
      co_await each->wait(async::Wait::cancelled_by(stop));
    }
    co_return made;
  }

  Stack* stack_;
  Udp* udp_;
  Ipv4* v4_;
  Interface* on_;
  std::array<Driver*, sizeof...(Previous)> first_;
  std::optional<Driver> driver_;
};

}  // namespace fata::dhcp
