// Runs a DHCP client on an interface of a stack: applies the leased address, routes and MTU for as
// long as the lease lasts.
#pragma once

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"
#include "fata/base/log.hpp"
#include "fata/dhcp/client.hpp"
#include "fata/dhcp/setup.hpp"
#include "fata/ip/host.hpp"
#include "fata/ip/ipv4/engine.hpp"
#include "fata/stack/part.hpp"
#include "fata/stack/socket_driver.hpp"
#include "fata/udp/table.hpp"

namespace fata::dhcp {

// What a driver uses of a stack.
struct Ports {
  const ip::Host* host;
  udp::Table* udp;
  ip::ipv4::Engine* v4;
  stack::SocketDriver* stack;
  const Logger* log;
};

class Driver final : public stack::Part,
                     private udp::Port,
                     private Outside,
                     private ip::ipv4::AddressWatcher,
                     private async::Renewal,
                     private Timer {
 public:
  // All arguments must outlive the driver. UDP port 68 belongs to a stack's first driver; drivers
  // of further interfaces take a pointer to it and must be destroyed before it.
  Driver(const Ports& ports, ip::Interface& on, const SipKey& secret, const Options& options = {},
         Driver* first = nullptr);
  // Releases the lease, if the server's hardware address is known.
  ~Driver();

  // Waits for an address or for kNoAnswer; after the latter, the search continues.
  async::Task<void> wait(async::Wait wait);

  const Client& client() const { return client_; }
  // From a stack's first driver: those of its further interfaces, in any order.
  Driver* next() { return next_; }

  // Part
  std::span<const Ipv4Address> name_servers() const override {
    return client_.has_address() ? client_.lease().name_servers.all()
                                 : std::span<const Ipv4Address>();
  }
  std::span<const Ipv4Address> time_servers() const override {
    return client_.has_address() ? client_.lease().time_servers.all()
                                 : std::span<const Ipv4Address>();
  }
  std::span<const char> domain() const override {
    return client_.has_address() ? client_.lease().domain.all() : std::span<const char>();
  }
  void write(TextWriter& line, Instant now) const override;
  std::span<const Counter> counters() const override { return client_.counters(); }

 private:
  // udp::Port
  void deliver(sig::RxDatagram&& datagram, Instant now) override;
  void error(udp::SocketErrc, const Endpoint&) override {}
  // Outside
  void send(Bytes message, Ipv4Address from, Ipv4Address to, Instant now) override;
  void event(Event what, const Lease& lease, Instant now) override;
  // AddressWatcher
  void address_event(ip::Interface& on, Ipv4Address address, ip::ipv4::AddressEvent what,
                     Instant now) override;
  void on_timer() noexcept override;
  void renew(const SipKey& secret) override;

  void take(Bytes message, Instant now);
  void apply(const Lease& lease);
  void remove_routes();
  void arm(Instant at);

  const ip::Host* host_;
  udp::Table* udp_;
  ip::ipv4::Engine* v4_;
  stack::SocketDriver* stack_;
  const Logger* log_;
  ip::Interface* on_;
  std::size_t link_mtu_;
  bool probe_;
  Driver* first_;
  Driver* next_ = nullptr;  // linked from the first driver: those of further interfaces
  Client client_;
  Ipv4Address claimed_;
  // An event of the IPv4 engine, passed on from the timer, since the client must not be called
  // during it.
  std::optional<ip::ipv4::AddressEvent> heard_;
  Few<Route, 16> routes_;
  bool settled_ = false;
  async::WaitQueue waiters_;
};

}  // namespace fata::dhcp
