// A separate file, so that an image without IPv6 links none of it.
#include "fata/stack/addresses.hpp"

namespace fata::stack {

namespace {
// True if there is an address to log.
bool start(ip::ipv6::Engine& v6, ip::Interface& on, Instant now, const ip::ipv6::Setup& setup) {
  if (setup.mode == ip::ipv6::Setup::Mode::kNone) return false;
  v6.start(on, now);
  if (setup.mode == ip::ipv6::Setup::Mode::kAuto) v6.autoconfigure(on, now);
  if (setup.mode != ip::ipv6::Setup::Mode::kStatic) return false;
  v6.add_address(on, setup.address, now);
  return true;
}
}  // namespace

void use_address(const Logger& log, ip::ipv6::Engine& v6, ip::Interface& on, Instant now,
                 const ip::ipv6::Setup& setup, const ip::ipv6::Gateway& gateway) {
  if (setup.mode == ip::ipv6::Setup::Mode::kNone) return;
  if (start(v6, on, now, setup)) log.info("address ", setup.address);
  if (!gateway.address.is_any()) v6.routers().add({{{}, 0}, gateway.address, on.index()});
}

void use_address(const Logger& log, ip::ipv6::Engine& v6, ip::Interface& on, Instant now,
                 const ip::ipv6::Setup& setup) {
  if (start(v6, on, now, setup))
    log.info("address ", setup.address, ", NIC ", unsigned{on.index()});
}

}  // namespace fata::stack
