#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto ping = functor<Job(Ping, Resolver, Console)>("ping_example::Pings", "pings.hpp");

  Plan plan("ping6");
  const Stack net = default_stack(context);
  plan.run(ping(net.ping, resolver(net), default_console(),
                parameter("to", "::1", "host name, or IPv6 or IPv4 address, to ask"),
                parameter("count", std::uint32_t{4}, "how many requests to send; 0: until stopped"),
                parameter("interval", Duration{"1s"}, "time between two"),
                parameter("timeout", Duration{"2s"}, "how long to wait for a reply"),
                parameter("size", std::uint16_t{56}, "bytes of data in each")));
  return plan;
}
