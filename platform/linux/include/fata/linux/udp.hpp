// UDP through the Linux stack. Models sig::Udp with recvmmsg and sendmmsg.
#pragma once

#include <memory>

#include "fata/async/context.hpp"
#include "fata/async/task.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/pool.hpp"
#include "fata/linux/reactor.hpp"
#include "fata/linux/sandbox.hpp"
#include "fata/sig/udp.hpp"

namespace fata::linux {

class UdpSocket {
 public:
  enum Count : std::size_t { kReceived, kSent, kTooLong, kSendErrors, kCounts };

  UdpSocket(Fd fd, bool wildcard, const sig::UdpOptions& options);
  ~UdpSocket();

  // sig::UdpSocket.
  Endpoint local() const { return local_; }
  std::size_t max_payload() const { return 1472; }
  void ignore_path();
  Result<void> join(const IpAddress& group, sig::InterfaceIndex interface = sig::kAnyInterface);
  void leave(const IpAddress& group, sig::InterfaceIndex interface = sig::kAnyInterface);
  async::Task<Result<std::size_t>> receive(std::span<sig::RxDatagram> in, async::Wait wait);
  PacketBuf allocate() { return pool_.allocate(); }
  async::Task<Result<void>> send(std::span<sig::TxDatagram> out, async::Wait wait);

  std::span<const Counter> counters() const { return counters_; }

 private:
  struct Batch;  // the message headers of the system calls
  // Joins or leaves; returns the result of setsockopt().
  int change_membership(const IpAddress& group, sig::InterfaceIndex interface, bool join);
  // Receives only from groups that this socket joined, and not from those of other programs.
  void only_own_groups();
  void apply(const sig::UdpOptions& options);
  std::size_t try_receive(std::span<sig::RxDatagram> in);

  // Longer datagrams are dropped and counted (kTooLong).
  static constexpr std::size_t kBufferSize = 2048;
  static constexpr std::size_t kBuffers = 512;

  Fd fd_;
  Watch watch_;
  Endpoint local_;
  // True if bound to "any": the kernel then reports each datagram's local address, and replies are
  // sent from it.
  bool wildcard_;
  bool arrival_;
  BufferPool pool_{kBuffers, kBufferSize};
  std::unique_ptr<Batch> batch_;
  std::array<Counter, kCounts> counters_;
};

class Udp {
 public:
  using Socket = UdpSocket;
  Result<std::unique_ptr<UdpSocket>> bind(Endpoint local, const sig::UdpOptions& options = {});
  SandboxNeeds sandbox_needs() const;
};
static_assert(sig::Udp<Udp>);

}  // namespace fata::linux
