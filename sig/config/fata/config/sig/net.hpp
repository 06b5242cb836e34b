// Tags of the network, and the absent models of its concepts.
#pragma once

#include <string_view>

#include "fata/config/device.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

struct NetDevice {
  static constexpr std::string_view kName = "NetDevice", kConcept = "fata::sig::NetDevice",
                                    kHeader = "fata/sig/net_device.hpp";
};
struct Udp {
  static constexpr std::string_view kName = "Udp", kConcept = "fata::sig::Udp",
                                    kHeader = "fata/sig/udp.hpp";
};
struct Tcp {
  static constexpr std::string_view kName = "Tcp", kConcept = "fata::sig::Tcp",
                                    kHeader = "fata/sig/flow.hpp";
};
struct Ping {
  static constexpr std::string_view kName = "Ping", kConcept = "fata::sig::Ping",
                                    kHeader = "fata/sig/ping.hpp";
};
struct Names {
  static constexpr std::string_view kName = "Names", kConcept = "fata::sig::Names",
                                    kHeader = "fata/sig/names.hpp";
};
struct Resolver {
  static constexpr std::string_view kName = "Resolver", kConcept = "fata::sig::Resolver",
                                    kHeader = "fata/sig/resolver.hpp";
};
// Connections by name.
struct Connector {
  static constexpr std::string_view kName = "Connector", kConcept = "fata::sig::Connector",
                                    kHeader = "fata/sig/connector.hpp";
};
// The destination of a packet capture.
struct Capture {
  static constexpr std::string_view kName = "Capture", kConcept = "fata::sig::CaptureSink",
                                    kHeader = "fata/sig/capture.hpp";
};
// A source of requests for a report.
struct ReportRequests {
  static constexpr std::string_view kName = "ReportRequests",
                                    kConcept = "fata::sig::ReportRequests",
                                    kHeader = "fata/sig/report_requests.hpp";
};

// UDP, TCP and echo requests of one stack, and the name servers and domain received from leases and
// routers.
struct Stack {
  Device<Udp> udp;
  Device<Tcp> tcp;
  Device<Ping> ping;
  Device<Names> names;
};

// A TCP on which listen and connect fail.
Device<Tcp> no_tcp(Where where = Where::current());
// Echo requests that fail, and no name servers: of a stack that has neither.
Device<Ping> no_ping(Where where = Where::current());
Device<Names> no_names(Where where = Where::current());
// Lookups that fail.
Device<Resolver> no_resolver(Where where = Where::current());

}  // namespace fata::config
