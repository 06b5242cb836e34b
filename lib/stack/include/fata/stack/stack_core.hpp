// The part of a stack that does not depend on device and family: the host, its clock, and its UDP
// sockets.
#pragma once

#include <memory>
#include <utility>

#include "fata/async/context.hpp"
#include "fata/base/siphash.hpp"
#include "fata/net/heap_buffers.hpp"
#include "fata/net/host.hpp"
#include "fata/stack/autoconfiguration.hpp"
#include "fata/stack/socket.hpp"

namespace fata::stack {

class Tcp;

class StackCore final : public SocketDriver,
                        private Timer,
                        private async::Renewal,
                        private net::ConflictReporter {
 public:
  // The engines outlive it; one may be null.
  StackCore(async::Context& context, net::IpProtocol* v4, net::IpProtocol* v6,
            const SipKey& secret);
  // All sockets and flows must be destroyed.
  ~StackCore();

  // The interface's MTU is the given one, or the capacity of the device's send buffers if that is
  // smaller.
  net::Interface& add(const net::LinkConfig& given, net::PacketSink& sink);
  // Logs an interface's configuration and warns about likely mistakes. A gateway of `any` means
  // none.
  void log_ipv4(const net::Interface& interface, const Ipv4Cidr& address, Ipv4Address gateway);
  // The device of an interface has failed permanently. If no interface is left, the image stops
  // with a failure.
  void lost(const net::Interface& interface, const Error& error);
  Result<std::unique_ptr<UdpSocket>> bind(Endpoint local);

  // The stack's TCP, created by the first call. Its memory is a quarter of the image's, at most 64
  // MiB.
  Tcp& tcp();

  // The clients that configure its interfaces: the head of a list.
  const Autoconfiguration* autoconfiguration() const { return autoconfiguration_; }
  void add(Autoconfiguration& one) { one.next_ = std::exchange(autoconfiguration_, &one); }
  void remove(Autoconfiguration& one) {
    Autoconfiguration** at = &autoconfiguration_;
    while (*at != &one) at = &(*at)->next_;
    *at = one.next_;
  }

  net::Host& host() { return host_; }
  const net::Host& host() const { return host_; }
  net::udp::Table& udp() { return udp_; }
  Logger& log() { return log_; }

  // Copies a received frame into the stack's own memory, so that its device gets its buffers back
  // even if the frame is kept for long. False if no memory is left; some is reserved for short
  // frames (acknowledgements, neighbour discovery).
  bool copy(net::Interface& from, sig::RxFrame& frame);

  // SocketDriver
  void flush() override;
  // A full device has room again: resumes the transports and the sockets that wait.
  void resume();

 private:
  void on_timer() noexcept override;
  // Replaces everything derived from the stack's secret: ports, sequence numbers, cookies, hash
  // keys, identifications.
  void renew(const SipKey& secret) override;
  // Logs at most kConflictLines conflicts per kConflictInterval.
  void report(const net::Interface& on, const net::AddressConflict& conflict, Instant now) override;
  static constexpr unsigned kConflictLines = 10;

  Logger log_;
  SipKey secret_;
  std::size_t memory_;
  std::unique_ptr<net::HeapBuffers, net::HeapBuffers::Abandon> copies_;
  net::Host host_;
  net::udp::Table udp_;
  // Created on first use, by a function of its own: an image without TCP links none of it.
  std::unique_ptr<Tcp, void (*)(Tcp*)> tcp_{nullptr, nullptr};
  Autoconfiguration* autoconfiguration_ = nullptr;
  std::size_t lost_count_ = 0;
  Instant conflicts_since_{};
  unsigned conflict_lines_ = 0;
};

}  // namespace fata::stack
