// Fata's own stack over given interfaces.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fata/config/device.hpp"
#include "fata/config/ip_parameters.hpp"
#include "fata/config/parameter.hpp"
#include "fata/config/sig/net.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

// One interface. Parameters: --ipv4, --ipv4-gateway, --ipv6, --ipv6-gateway, and --vlan for the
// interface's VLAN.
Stack stack(const Device<NetDevice>& card, Where where = Where::current());
// One interface without IPv6; the image links no IPv6 code.
Stack stack_ipv4(const Device<NetDevice>& card, Where where = Where::current());

// An interface that records its frames.
Device<NetDevice> record(const Device<NetDevice>& card, const Device<Capture>& into,
                         Where where = Where::current());

namespace detail {

// Where a stack's IPv4 addresses come from.
struct AddressSource {
  std::string library;  // its Stack, Ipv4Stack and WithCard
  std::string called;   // the value of --ipv4, in its help
  std::string gateway_help;
  std::function<Argument(std::string_view name, std::size_t number, std::string_view help)> ipv4;
  std::vector<Argument> options{};  // of each interface, before its VLAN
  bool random = false;              // true if each interface needs randomness
};

// Builds one variant of the stack, interface by interface.
class StackMaker {
 public:
  StackMaker(bool ipv6, Where where);
  StackMaker(bool ipv6, AddressSource source, Where where);

  Device<Bundle> on(const Device<NetDevice>& card) const;
  // The same stack with a further interface.
  Device<Bundle> also_on(const Device<NetDevice>& card, std::size_t number,
                         const Device<Bundle>& of) const;

 private:
  Argument ipv4(std::size_t number) const;
  Parameter<Ipv6Setup> ipv6(std::size_t number) const;
  void add_options(std::vector<Argument>& to, std::size_t number) const;
  Device<Bundle> make(std::string_view type, std::string_view header,
                      std::vector<Argument> arguments) const;

  bool ipv6_;
  AddressSource source_;
  Where where_;
};

// Accepts --route, up to 16 times.
Device<Bundle> with_routes(const Device<Bundle>& of, Where where);
// Reports the stack's state on demand.
Device<Bundle> with_netstat(const Device<Bundle>& of, const Device<ReportRequests>& requests,
                            Where where);
Stack members(const Device<Bundle>& of, Where where);

}  // namespace detail
}  // namespace fata::config
