#include "fata/config/resolver.hpp"

#include "fata/config/platform_devices.hpp"

namespace fata::config {

Device<Resolver> resolver(const Stack& stack, Where where) {
  return device<Resolver>(
      {.type = "fata::resolver::Resolver",
       .headers = {"fata/resolver/resolver.hpp"},
       .libraries = {"resolver"},
       .form = Form::kConnect,
       .called = "the resolver",
       .where = where},
      stack.udp, stack.tcp, stack.names, default_random(where),
      parameter("dns-servers", NameServers{"network"},
                "name servers to query, or those that the network announces", where));
}

}  // namespace fata::config
