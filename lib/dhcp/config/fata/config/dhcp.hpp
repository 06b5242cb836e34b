// Fata's own stack with a DHCP client.
#pragma once

#include <string>
#include <vector>

#include "fata/config/parameter.hpp"
#include "fata/config/stack.hpp"

namespace fata::config {

// "dhcp", "10.0.2.15/24"
struct Ipv4Setup {
  std::string text;
};
// "printer", "" for none
struct HostName {
  std::string text;
};

template <>
struct ParameterTraits<Ipv4Setup> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::dhcp::Setup"; }
  static std::string text(const Ipv4Setup& value) { return value.text; }
  static std::vector<std::string> headers() { return {"fata/dhcp/setup.hpp"}; }
};
template <>
struct ParameterTraits<HostName> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::dhcp::HostName"; }
  static std::string text(const HostName& value) { return value.text; }
  static std::vector<std::string> headers() { return {"fata/dhcp/setup.hpp"}; }
};

// stack() and stack_ipv4() with a DHCP client: --ipv4 also accepts `dhcp`, the default; --hostname
// is the client's host name; --dhcp-probe=false uses an address without address conflict detection.
Stack stack_dhcp(const Device<NetDevice>& nic, Where where = Where::current());
Stack stack_ipv4_dhcp(const Device<NetDevice>& nic, Where where = Where::current());

namespace detail {
class DhcpAddresses final : public AddressSource {
 public:
  explicit DhcpAddresses(Where where);
  Device<Bundle> ipv4(const Of& of) const override;

 private:
  Where where_;
  std::vector<Argument> options_;  // of all interfaces
};
}  // namespace detail

}  // namespace fata::config
