#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto server = functor<Job(Udp, Tcp, KeyValue)>("dns_server::Server", "server.hpp").library("dns");

  auto port = parameter("port", std::uint16_t{1053}, "UDP and TCP port to serve on; 0 is any free one");
  auto zones =
      parameter("zone", "example.org.zone",
                "zone files to serve, separated by commas; NAME=FILE for one without its $ORIGIN");
  auto net = default_stack(context);

  // Zone files are linked into the image unless `-D zones=folder` (linux only) has the process read them from a folder.
  const std::string where = context.key("zones", std::string("linked"), "where zone files are: linked or folder");
  if (where != "linked" && where != "folder") throw ConfigError("-D zones=" + where + ": zones are linked or folder");
  auto store = where == "folder"
                   ? host_folder(parameter("zones", "zones", "folder with the zone files"))
                   : crunch("zones");

  Plan plan("dns");
  plan.run(server(net.udp, net.tcp, store, port, zones));
  plan.forward(Protocol::kUdp, port);
  plan.forward(Protocol::kTcp, port);
  return plan;
}
