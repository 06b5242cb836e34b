#include <fata/config.hpp>
using namespace fata::config;

// Parameter types of the library; the values here have their command-line form.
struct RateLimit {
  std::string text;
};
struct Prefixes {
  std::string text;
};
namespace fata::config {
template <>
struct ParameterTraits<RateLimit> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::dns::RateLimit"; }
  static std::string text(const RateLimit& value) { return value.text; }
  static std::vector<std::string> headers() { return {"fata/dns/rate_limit.hpp"}; }
};
template <>
struct ParameterTraits<Prefixes> : detail::PlainTraits {
  static std::string cpp_type() { return "fata::dns::Prefixes"; }
  static std::string text(const Prefixes& value) { return value.text; }
  static bool has_value(const Prefixes& value) { return !value.text.empty(); }
  static std::vector<std::string> headers() { return {"fata/dns/guard.hpp"}; }
};
}  // namespace fata::config

Plan plan(const Context& context) {
  auto server = functor<Job(Udp, Tcp, KeyValue, Clock, Random)>("dns_server::Server", "server.hpp")
                    .library("dns");

  auto port =
      parameter("port", std::uint16_t{1053}, "UDP and TCP port to serve on; 0 is any free one");
  auto zones =
      parameter("zone", "example.org.zone",
                "zone files to serve, separated by commas; NAME=FILE for one without its $ORIGIN");
  auto rate = parameter(
      "rrl", RateLimit{"200"},
      "UDP responses a second for each client prefix (/24, /56) and kind of response, or off");
  auto exempt = parameter("rrl-exempt", Prefixes{},
                          "client addresses and prefixes without that limit, separated by commas");
  auto net = default_stack(context);

  // Zone files are linked into the image, or read at its start from its boot files, or (linux only)
  // from a folder: `-D zones=boot` or `-D zones=folder`.
  const std::string where =
      context.key("zones", std::string("linked"), "where zone files are: linked, boot or folder");
  if (where != "linked" && where != "boot" && where != "folder")
    throw ConfigError("-D zones=" + where + ": zones are linked, boot or folder");
  auto store = where == "folder"
                   ? host_folder(parameter("zones", "zones", "folder with the zone files"))
               : where == "boot" ? boot_files(context)
                                 : crunch("zones");

  Plan plan("dns");
  plan.run(server(net.udp, net.tcp, store, default_clock(), default_random(), port, zones, rate,
                  exempt));
  plan.forward(Protocol::kUdp, port);
  plan.forward(Protocol::kTcp, port);
  plan.forwarded_clients(exempt);  // they all have the forwarder's address
  return plan;
}
