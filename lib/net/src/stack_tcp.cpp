// A stack's TCP, in a separate file so that it is linked only when used.
#include <algorithm>

#include "fata/net/stack_core.hpp"
#include "fata/net/tcp/sockets.hpp"

namespace fata::net {
namespace {

tcp::Config config_for(std::size_t memory, Host& host) {
  tcp::Config config;
  config.memory = std::min<std::size_t>(memory / 4, std::size_t{64} << 20);
  config.borrowed = config.memory / 4;
  // Queues leave each device half of its buffers, because the acknowledgements that empty the
  // queues need them.
  for (std::size_t i = 0; i < host.interface_count(); ++i) {
    config.borrowed = std::min(config.borrowed, host.interface(i).features().receive_memory / 2);
  }
  return config;
}

tcp::Secrets secrets_from(const SipKey& secret) {
  return {.table = derive(secret, 1),
          .numbers = derive(secret, 2),
          .cookies = derive(secret, 3),
          .ports = derive(secret, 4),
          .fast_open = derive(secret, 5)};
}

class TcpTransport final : public OptionalTransport, private PacketFlush {
 public:
  TcpTransport(const tcp::Config& config, const tcp::Secrets& secrets, IpLayer& ip,
               SocketDriver& driver)
      : tcp(config, secrets, ip, *this), driver_(&driver) {}

  bool receive(IpPacket& packet, Instant now) override {
    return tcp.transport().receive(packet, now);
  }
  void icmp_error(const IcmpError& error, Instant now) override {
    tcp.transport().icmp_error(error, now);
  }
  void end_of_batch(Instant now) override { tcp.end_of_batch(now); }
  void renew(const SipKey& secret) override { tcp.renew(secrets_from(secret)); }
  std::span<const Counter> counters() const override { return tcp.table().counters(); }

  Tcp tcp;

 private:
  void flush() override { driver_->flush(); }

  SocketDriver* driver_;
};

}  // namespace

Tcp& StackCore::tcp() {
  if (tcp_ == nullptr) {
    tcp_ = std::make_unique<TcpTransport>(config_for(memory_, host_), secrets_from(secret_), host_,
                                          *this);
    host_.attach(ip_protocol::kTcp, *tcp_);
  }
  return static_cast<TcpTransport&>(*tcp_).tcp;
}

}  // namespace fata::net
