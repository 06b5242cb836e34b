#include "fata/stack/addresses.hpp"

namespace fata::stack {

namespace {
void log_address(const Logger& log, const ip::Interface& interface, const Ipv4Cidr& address,
                 Ipv4Address gateway) {
  [[clang::uninitialized]] Text<160> line(std::in_place, "address ", address, ", hardware address ",
                                          interface.mac());
  if (interface.vlan() != 0) print(line, ", VLAN ", interface.vlan());
  print(line, ", gateway ", gateway);
  log.info(line.view());
  // A /31 has two hosts (RFC 3021). With a /32, the gateway is on the link although no prefix
  // covers it.
  if (address.prefix < 31 && address.address.value == (address.address.value & address.mask()))
    log.warning(address, " is the network's own address: give a host's, as ",
                Ipv4Cidr{{address.address.value + 1}, address.prefix});
  if (!gateway.is_any() && address.prefix < 32 && !address.contains(gateway))
    log.warning("the gateway ", gateway, " is not in the network of ", address,
                ": choose another with --ipv4-gateway");
}
}  // namespace

void use_address(const Logger& log, ip::ipv4::Engine& v4, ip::Interface& on, Instant now,
                 const Ipv4Cidr& address, Ipv4Address gateway) {
  v4.add_address(on, address, now);
  if (!gateway.is_any())
    v4.routes().add({{{}, 0}, gateway, on.index(), ip::ipv4::Route::Origin::kStatic});
  log_address(log, on, address, gateway);
}

void use_address(const Logger& log, ip::ipv4::Engine& v4, ip::Interface& on, Instant now,
                 const Ipv4Cidr& address) {
  v4.add_address(on, address, now);
  log.info("address ", address, ", hardware address ", on.mac(), ", NIC ", unsigned{on.index()});
}

}  // namespace fata::stack
