// Connections to hosts by name.
#pragma once

#include "fata/config/device.hpp"
#include "fata/config/sig/net.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

// Connects to a name over `tcp`, or what models it: looks up the addresses of both families and
// takes the first connection that succeeds (RFC 8305).
Device<Connector> happy_eyeballs(const Device<Tcp>& tcp, const Device<Resolver>& resolver,
                                 Where where = Where::current());

}  // namespace fata::config
