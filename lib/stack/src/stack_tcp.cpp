// A stack's TCP, in a separate file so that it is linked only when used.
#include <algorithm>

#include "fata/stack/stack_core.hpp"
#include "fata/stack/tcp.hpp"

namespace fata::stack {
namespace {

net::tcp::Config config_for(std::size_t memory, net::Host& host) {
  net::tcp::Config config;
  config.memory = std::min<std::size_t>(memory / 4, std::size_t{64} << 20);
  config.borrowed = config.memory / 4;
  // Queues leave each device half of its buffers, because the acknowledgements that empty the
  // queues need them.
  for (std::size_t i = 0; i < host.interface_count(); ++i) {
    config.borrowed = std::min(config.borrowed, host.interface(i).features().receive_memory / 2);
  }
  return config;
}

}  // namespace

Tcp& StackCore::tcp() {
  if (tcp_ == nullptr) {
    tcp_ = {new Tcp(config_for(memory_, host_), net::tcp::Secrets::from(secret_), host_, *this),
            [](Tcp* tcp) { delete tcp; }};
    host_.attach(net::ip_protocol::kTcp, tcp_->transport());
  }
  return *tcp_;
}

}  // namespace fata::stack
