// UDP sockets of our own stack: bounded queues between the stack and the application's task. Models
// sig::UdpSocket.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"
#include "fata/ip/host.hpp"
#include "fata/sig/stack_port.hpp"
#include "fata/sig/udp.hpp"
#include "fata/stack/socket_driver.hpp"
#include "fata/udp/table.hpp"

namespace fata::stack {

class UdpSocket final : public udp::Port {
 public:
  // Received datagrams in the queue; more are dropped and counted.
  static constexpr std::size_t kQueue = 128;
  // Stored errors; a new error replaces the oldest.
  static constexpr std::size_t kErrors = 8;
  static constexpr std::size_t kGroups = 8;

  UdpSocket(udp::Table& table, SocketDriver& driver)
      : udp_(&table), driver_(&driver), queue_(kQueue) {}
  ~UdpSocket();

  // sig::UdpSocket
  Endpoint local() const { return Port::local(); }
  std::size_t max_payload() const { return udp_->ip().max_payload() - wire::udp::kHeaderSize; }
  // On a connected socket, it may return an ICMP error about a sent datagram (SocketErrc), once for
  // each.
  async::Task<Result<std::size_t>> receive(std::span<sig::RxDatagram> in, async::Wait wait);
  PacketBuf allocate() { return udp_->allocate(); }
  async::Task<Result<void>> send(std::span<sig::TxDatagram> out, async::Wait wait);

  using Port::ignore_path;
  // Receives datagrams only from `remote` from now on. A datagram to send then needs no destination
  // (port 0).
  void connect(const Endpoint& remote);
  // Removes and returns the oldest ICMP error about a sent datagram. Only on a socket that is not
  // connected: a server's receive() never fails because of a vanished client.
  struct Diagnostic {
    udp::SocketErrc what;
    Endpoint remote;
  };
  std::optional<Diagnostic> take_error();
  // kAnyInterface: the interface of the socket's address, or the first if that is "any". At most
  // kGroups groups, counted for each interface (SocketErrc::kGroupTableFull).
  Result<void> join(const IpAddress& group, sig::InterfaceIndex interface = sig::kAnyInterface);
  void leave(const IpAddress& group, sig::InterfaceIndex interface = sig::kAnyInterface);

 private:
  struct Membership {
    IpAddress group;
    sig::InterfaceIndex wanted;  // as passed to join()
    std::uint8_t link;
  };
  bool is_member(const IpAddress& group, std::uint8_t link) const override;
  void deliver(sig::RxDatagram&& datagram, Instant now) override;
  void error(udp::SocketErrc what, const Endpoint& remote) override;

  udp::Table* udp_;
  SocketDriver* driver_;
  std::vector<sig::RxDatagram> queue_;
  std::size_t first_ = 0;
  std::size_t used_ = 0;
  std::vector<Diagnostic> errors_;
  std::vector<Membership> groups_;
  async::WaitQueue readers_;
};

// UDP of a host. Models sig::Udp.
class UdpSockets {
 public:
  using Socket = UdpSocket;

  UdpSockets(ip::Host& host, SocketDriver& driver, const SipKey& secret);
  // All sockets must be destroyed.
  ~UdpSockets();

  Result<std::unique_ptr<UdpSocket>> bind(Endpoint local, const sig::UdpOptions& options = {});

  udp::Table& table() { return table_; }
  // Itself, for plans in which the sockets' users come after what attaches to the stack.
  UdpSockets& udp() { return *this; }

 private:
  ip::Host* host_;
  SocketDriver* driver_;
  udp::Table table_;
};
static_assert(sig::Udp<UdpSockets>);

template <sig::StackPort Stack>
class UdpOn final : public UdpSockets {
 public:
  explicit UdpOn(Stack& stack) : UdpSockets(stack.host(), stack, stack.secret()) {}
};

}  // namespace fata::stack
