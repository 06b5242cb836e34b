// UDP sockets of our own stack: bounded queues between the stack's task and the application's.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "fata/async/list.hpp"
#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"
#include "fata/base/counter.hpp"
#include "fata/sig/udp.hpp"

namespace fata::net {

enum class SocketErrc : std::uint32_t { kNotOurAddress = 1, kPortInUse, kNoFreePort };
const ErrorDomain& error_domain(SocketErrc) noexcept;

// How a socket sends; the stack is one.
class DatagramSender {
 public:
  virtual PacketBuf allocate_datagram() = 0;
  virtual async::Task<Result<void>> send(std::span<sig::TxDatagram> out, std::uint16_t local_port, async::Wait wait) = 0;

 protected:
  ~DatagramSender() = default;
};

class SocketTable;

class UdpSocket : public async::ListNode<UdpSocket> {
 public:
  // Datagrams that wait to be received; more are dropped and counted.
  static constexpr std::size_t kQueue = 128;

  ~UdpSocket();

  // The socket as sig::UdpSocket.
  Endpoint local() const { return local_; }
  std::size_t max_payload() const { return max_payload_; }
  async::Task<Result<std::size_t>> receive(std::span<sig::RxDatagram> in, async::Wait wait);
  PacketBuf allocate() { return sender_->allocate_datagram(); }
  async::Task<Result<void>> send(std::span<sig::TxDatagram> out, async::Wait wait) {
    return sender_->send(out, local_.port, wait);
  }

  std::uint64_t dropped() const { return dropped_; }

 private:
  friend class SocketTable;
  UdpSocket(Endpoint local, std::size_t max_payload, DatagramSender& sender, SocketTable& table)
      : local_(local), max_payload_(max_payload), sender_(&sender), table_(&table), queue_(kQueue) {}
  void push(sig::RxDatagram&& datagram);

  Endpoint local_;
  std::size_t max_payload_;
  DatagramSender* sender_;
  SocketTable* table_;
  std::vector<sig::RxDatagram> queue_;
  std::size_t first_ = 0;
  std::size_t used_ = 0;
  std::uint64_t dropped_ = 0;
  async::WaitQueue readers_;
};

// Finds the socket of a port.
class SocketTable {
 public:
  // Port 0 chooses one of 49152 to 65535 (RFC 6335), the next after the last chosen.
  Result<std::unique_ptr<UdpSocket>> bind(Endpoint local, std::size_t max_payload, DatagramSender& sender);
  // False if no socket has that port. A full socket takes the datagram and drops it.
  bool deliver(sig::RxDatagram&& datagram, std::uint16_t port);
  bool empty() const { return count_ == 0; }

 private:
  friend class UdpSocket;
  UdpSocket* find(std::uint16_t port);

  static constexpr std::size_t kBuckets = 64;
  std::array<async::List<UdpSocket>, kBuckets> buckets_;
  UdpSocket* last_ = nullptr;  // the last one found: servers have one socket that gets nearly everything
  std::size_t count_ = 0;
  std::uint16_t next_port_ = 49152;
};

}  // namespace fata::net
