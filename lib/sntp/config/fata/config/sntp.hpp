// A clock that follows NTP servers.
#pragma once

#include <string>
#include <vector>

#include "fata/config/device.hpp"
#include "fata/config/parameter.hpp"
#include "fata/config/sig/net.hpp"
#include "fata/config/sig/system.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

// "none", "10.0.0.1,2001:db8::1"
struct NtpServers {
  std::string text;
};
template <>
struct ParameterTraits<NtpServers> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::sntp::Servers"; }
  static std::string text(const NtpServers& value) { return value.text; }
  static std::vector<std::string> headers() { return {"fata/sntp/servers.hpp"}; }
};

// default_clock(), whose wall clock follows the servers of --ntp-servers or, without any, those of
// the stack's leases. The correction also applies to default_clock().
Device<Clock> sntp_clock(const Stack& stack, Where where = Where::current());

}  // namespace fata::config
