// A name server and a resolver on stacks of a simulated network.
#pragma once

#include "fata/dns/tcp_server.hpp"
#include "fata/dns/udp_server.hpp"
#include "fata/resolver/resolver.hpp"
#include "world.hpp"

namespace fata::test {

struct FixedNames {
  std::vector<IpAddress> servers;
  std::size_t name_servers(std::span<IpAddress> out) const {
    const std::size_t count = std::min(out.size(), servers.size());
    std::copy_n(servers.begin(), count, out.begin());
    return count;
  }
  void write_domain(TextWriter& out) const { out.put("example.net example.org"); }
  std::size_t time_servers(std::span<IpAddress>) const { return 0; }
};
using Resolver =
    resolver::Resolver<stack::UdpOn<Stack::Core>, stack::Tcp, FixedNames, PlatformRandom>;

// A name server for example.org, on UDP and TCP.
struct NameServer {
  dns::Engine engine;
  dns::TcpServer<stack::Tcp> tcp{engine, {}};
  std::unique_ptr<Stack> stack;
  std::unique_ptr<Socket> socket;
  std::unique_ptr<stack::Tcp::Listener> listener;
  Counter dropped{"dropped"};

  NameServer(std::unique_ptr<Stack> on, std::string_view zone) : stack(std::move(on)) {
    EXPECT_TRUE(engine.load("example.org.zone", zone));
    engine.build();
    socket = bound(*stack, 53);
    listener = std::move(*stack->tcp().listen({IpAddress{}, 53}, 16));
  }
  async::Task<void> serve_udp(async::CancelToken stop) {
    EXPECT_TRUE(co_await dns::serve_udp(&engine, socket.get(), &dropped, stop));
  }
  async::Task<void> serve_tcp(async::CancelToken stop) {
    EXPECT_TRUE(co_await tcp.serve(listener.get(), stop));
  }
};

}  // namespace fata::test
