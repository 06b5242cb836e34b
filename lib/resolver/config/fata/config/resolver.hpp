// Names to addresses, over the UDP and TCP of a stack.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fata/config/device.hpp"
#include "fata/config/parameter.hpp"
#include "fata/config/sig/net.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

// "network", "192.0.2.1,[2001:db8::1]:5353"
struct NameServers {
  std::string text;
};
template <>
struct ParameterTraits<NameServers> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::resolver::NameServers"; }
  static std::string text(const NameServers& value) { return value.text; }
  static std::vector<std::string> headers() { return {"fata/resolver/setup.hpp"}; }
};

// A resolver over the stack. It queries the servers of the parameter --dns-servers, by default
// those that the network announces: DHCP, router advertisements; on the host's sockets
// /etc/resolv.conf.
Device<Resolver> resolver(const Stack& stack, Where where = Where::current());

}  // namespace fata::config
