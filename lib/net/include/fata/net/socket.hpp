// UDP sockets of our own stack: bounded queues between the stack and the application's task. Models
// sig::UdpSocket.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"
#include "fata/net/udp.hpp"
#include "fata/sig/udp.hpp"

namespace fata::net {

class UdpSocket;

// What a socket needs of the stack around it.
class SocketDriver {
 public:
  // Sends what the engines have for the devices, and looks when they want to be called next.
  virtual void flush() = 0;
  // A device is full: wait before sending more.
  virtual bool full() = 0;
  virtual async::Task<Result<void>> writable(async::Wait wait) = 0;
  // One more (or less) group on the interface of `local`, or, if that is "any", on all.
  virtual bool join(const IpAddress& group, const IpAddress& local) = 0;
  virtual void leave(const IpAddress& group, const IpAddress& local) = 0;
  virtual std::size_t max_payload() = 0;

 protected:
  ~SocketDriver() = default;
};

class UdpSocket final : public udp::Port {
 public:
  // Datagrams that wait to be received; more are dropped and counted.
  static constexpr std::size_t kQueue = 128;
  // Errors that wait to be asked for; more push out the oldest.
  static constexpr std::size_t kErrors = 8;
  static constexpr std::size_t kGroups = 8;

  UdpSocket(udp::Table& table, SocketDriver& driver)
      : udp_(&table), driver_(&driver), queue_(kQueue) {}
  ~UdpSocket();

  // sig::UdpSocket
  Endpoint local() const { return Port::local(); }
  std::size_t max_payload() const { return driver_->max_payload(); }
  // A connected socket may give an ICMP error about what it sent (SocketErrc), once for each.
  async::Task<Result<std::size_t>> receive(std::span<sig::RxDatagram> in, async::Wait wait);
  PacketBuf allocate() { return udp_->allocate(); }
  async::Task<Result<void>> send(std::span<sig::TxDatagram> out, async::Wait wait);

  using Port::ignore_path;
  // Only datagrams from `remote` are received from now on; one to send needs no destination (port
  // 0).
  void connect(const Endpoint& remote);
  // Of a socket that is not connected: what ICMP said of datagrams sent, the oldest first. A
  // server's receive() never fails because a client is gone.
  struct Complaint {
    SocketErrc what;
    Endpoint remote;
  };
  std::optional<Complaint> take_error();
  // Listens to a group, on the interface of the socket's address (all, if that is "any"). The
  // socket leaves it when it ends.
  Result<void> join(const IpAddress& group);
  void leave(const IpAddress& group);

 private:
  void deliver(sig::RxDatagram&& datagram, Instant now) override;
  void error(SocketErrc what, const Endpoint& remote) override;

  udp::Table* udp_;
  SocketDriver* driver_;
  std::vector<sig::RxDatagram> queue_;
  std::size_t first_ = 0;
  std::size_t used_ = 0;
  std::vector<Complaint> errors_;
  std::vector<IpAddress> groups_;
  async::WaitQueue readers_;
};

}  // namespace fata::net
