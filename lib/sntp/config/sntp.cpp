#include "fata/config/sntp.hpp"

#include "fata/config/platform_devices.hpp"

namespace fata::config {

Device<Clock> sntp_clock(const Stack& stack, Where where) {
  return device<Clock>(
      {.type = "fata::sntp::NetworkClock",
       .headers = {"fata/sntp/network_clock.hpp"},
       .libraries = {"sntp"},
       .where = where},
      default_clock(where), stack.udp, stack.names, default_random(where),
      parameter("ntp-servers", NtpServers{"none"},
                "NTP servers to take the time from: addresses, with commas", where));
}

}  // namespace fata::config
