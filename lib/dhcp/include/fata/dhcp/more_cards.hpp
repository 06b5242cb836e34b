// WithCard<Net, Stack>: a stack with a further interface, like stack::WithCard, whose IPv4 address
// is static or comes from DHCP.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "fata/dhcp/driver.hpp"
#include "fata/sig/clock.hpp"
#include "fata/stack/more_cards.hpp"

namespace fata::dhcp {

template <sig::NetDevice Net, class Inner, sig::Random Random>
class WithCard final {
 public:
  WithCard(Net& net, Inner& inner, stack::Vlan vlan = {})
      : inner_(&inner), card_(net, inner, vlan) {}

  // Waits for an address, after the inner stack has done so.
  static async::Task<Result<std::unique_ptr<WithCard>>> connect(async::Context& context, Net& net,
                                                                Inner& inner, Random& random,
                                                                Setup v4, net::ipv6::Setup v6,
                                                                HostName host_name, bool probe,
                                                                stack::Vlan vlan = {})
    requires stack::HasIpv6<Inner>
  {
    auto made = std::make_unique<WithCard>(net, inner, vlan);
    use_address(made->core(), made->v6(), made->card_.interface(), v6);
    made->use_ipv4(random, v4, {host_name, probe});
    return with_address(std::move(made), context.stop);
  }
  static async::Task<Result<std::unique_ptr<WithCard>>> connect(async::Context& context, Net& net,
                                                                Inner& inner, Random& random,
                                                                Setup v4, HostName host_name,
                                                                bool probe, stack::Vlan vlan = {}) {
    auto made = std::make_unique<WithCard>(net, inner, vlan);
    made->use_ipv4(random, v4, {host_name, probe});
    return with_address(std::move(made), context.stop);
  }

  decltype(auto) udp() { return inner_->udp(); }
  decltype(auto) tcp() { return inner_->tcp(); }
  stack::StackCore& core() { return inner_->core(); }
  net::ipv4::Engine& v4() { return inner_->v4(); }
  net::ipv6::Engine& v6()
    requires stack::HasIpv6<Inner>
  {
    return inner_->v6();
  }
  // The stack's first driver.
  Driver* dhcp() {
    Driver* const first = inner_->dhcp();
    return first == nullptr && driver_ ? &*driver_ : first;
  }

 private:
  void use_ipv4(Random& random, Setup v4, Options options) {
    if (!v4.dhcp) return use_address(core(), this->v4(), card_.interface(), v4.address);
    std::array<std::byte, 16> secret;
    random.fill(secret);
    driver_.emplace(core(), this->v4(), card_.interface(), SipKey::of(secret), options,
                    inner_->dhcp());
  }
  static async::Task<Result<std::unique_ptr<WithCard>>> with_address(std::unique_ptr<WithCard> made,
                                                                     async::CancelToken stop) {
    if (made->driver_) co_await made->driver_->wait(async::Wait::cancelled_by(stop));
    co_return made;
  }

  Inner* inner_;
  stack::WithCard<Net, Inner> card_;
  std::optional<Driver> driver_;
};

}  // namespace fata::dhcp
