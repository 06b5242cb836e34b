// Fata's own stack over given interfaces.
#pragma once

#include <optional>
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
Stack stack(const Device<NetDevice>& nic, Where where = Where::current());
// One interface without IPv6; the image links no IPv6 code.
Stack stack_ipv4(const Device<NetDevice>& nic, Where where = Where::current());
// One interface without IPv4; the image links no IPv4 code.
Stack stack_ipv6(const Device<NetDevice>& nic, Where where = Where::current());

// An interface that records its frames.
Device<NetDevice> record(const Device<NetDevice>& nic, const Device<Capture>& into,
                         Where where = Where::current());

namespace detail {

// Where the IPv4 addresses of a stack's interfaces come from.
class AddressSource {
 public:
  // The devices that an address may use, besides its interface.
  struct Of {
    Device<Bundle> stack, udp, ipv4, interface;
    std::size_t number;                        // of the interface
    bool last;                                 // no interface follows
    std::optional<Device<Bundle>> previous{};  // the address of the interface before
  };
  virtual ~AddressSource() = default;
  virtual Device<Bundle> ipv4(const Of& of) const = 0;
};
// From the parameters alone.
class StaticAddresses final : public AddressSource {
 public:
  explicit StaticAddresses(Where where) : where_(where) {}
  Device<Bundle> ipv4(const Of& of) const override;

 private:
  Where where_;
};

// " of NIC 1", for the help of a parameter.
std::string help_of(std::string_view what, std::size_t number);

struct StackParts {
  bool ipv4 = true;
  bool ipv6 = true;
  // Reports the state of the stack on request.
  std::optional<Device<ReportRequests>> requests{};
};
// A stack with an interface for each NIC. What attaches to it is made before what uses it. With
// several interfaces, it accepts --route, up to 16 times.
Stack build_stack(const std::vector<Device<NetDevice>>& nics, const AddressSource& addresses,
                  const StackParts& parts, Where where);

}  // namespace detail
}  // namespace fata::config
