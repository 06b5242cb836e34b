// Devices of a Linux process alone.
#pragma once

#include <string>

#include "fata/config/device.hpp"
#include "fata/config/parameter.hpp"
#include "fata/config/sig/net.hpp"
#include "fata/config/sig/store.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

// The host's sockets.
Stack host_stack(Where where = Where::current());
Device<Udp> host_udp(Where where = Where::current());
Device<Tcp> host_tcp(Where where = Where::current());
// The name servers and search domains of /etc/resolv.conf.
Device<Names> host_names(Where where = Where::current());

// A folder of the host, read at run time.
Device<KeyValue> host_folder(const Parameter<std::string>& path, Where where = Where::current());

// The file named by the parameter --pcap (of the second interface --pcap-1), if given.
Device<Capture> capture_file(std::size_t number = 0, Where where = Where::current());

}  // namespace fata::config
