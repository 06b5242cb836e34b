// The types of the IP stack's parameters, written as text.
#pragma once

#include <string>
#include <vector>

#include "fata/config/parameter.hpp"

namespace fata::config {

// "auto", "none", "2001:db8::2/64"
struct Ipv6Setup {
  std::string text;
};
// "none", "fe80::1"
struct Ipv6Gateway {
  std::string text;
};
// "none", "42"
struct Vlan {
  std::string text;
};
// "10.9.0.0/16 via 10.0.3.2"
struct StaticRoute {
  std::string text;
};

template <>
struct ParameterTraits<Ipv6Setup> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::ip::ipv6::Setup"; }
  static std::string text(const Ipv6Setup& value) { return value.text; }
  static std::vector<std::string> headers() { return {"fata/ip/ipv6/setup.hpp"}; }
};
template <>
struct ParameterTraits<Ipv6Gateway> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::ip::ipv6::Gateway"; }
  static std::string text(const Ipv6Gateway& value) { return value.text; }
  static std::vector<std::string> headers() { return {"fata/ip/ipv6/setup.hpp"}; }
};
template <>
struct ParameterTraits<Vlan> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::stack::Vlan"; }
  static std::string text(const Vlan& value) { return value.text; }
  static std::vector<std::string> headers() { return {"fata/stack/vlan.hpp"}; }
};
template <>
struct ParameterTraits<StaticRoute> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::stack::StaticRoute"; }
  static std::string text(const StaticRoute& value) { return value.text; }
  static std::vector<std::string> headers() { return {"fata/stack/routes.hpp"}; }
};

}  // namespace fata::config
