// Stack: the host engine on a loop. IPv4, IPv6, UDP, TCP, interfaces, addresses, routes and reports
// attach to it (sig::StackPort); what is not attached is not linked.
//
//   Stack stack(context, secret);
//   Ipv4 v4(stack);                                  and Ipv6; families first
//   UdpOn udp(stack);                                then the transports
//   NetInterface eth0(stack, device);                then interfaces, and their addresses
//   Address address(stack, v4, eth0, cidr, gateway);
//
// All of them are destroyed before the stack, in the opposite order; devices after it, because the
// packets of its tables lie in their memory.
#pragma once

#include <array>
#include <memory>
#include <utility>

#include "fata/async/context.hpp"
#include "fata/base/siphash.hpp"
#include "fata/ip/heap_buffers.hpp"
#include "fata/ip/host.hpp"
#include "fata/sig/clock.hpp"
#include "fata/sig/stack_port.hpp"
#include "fata/stack/part.hpp"
#include "fata/stack/socket_driver.hpp"

namespace fata::stack {

class Stack final : public SocketDriver,
                    private Timer,
                    private async::Renewal,
                    private ip::ConflictReporter {
 public:
  using Host = ip::Host;
  using Driver = SocketDriver;
  using Part = stack::Part;
  using Interface = ip::Interface;
  using LinkConfig = ip::LinkConfig;
  using PacketSink = ip::PacketSink;

  Stack(async::Context& context, const SipKey& secret);
  // Draws its secret.
  template <sig::Random Random>
  Stack(async::Context& context, Random& random) : Stack(context, sig::drawn_key(random)) {}
  ~Stack();

  // The interface's MTU is the given one, or the capacity of the device's send buffers if that is
  // smaller.
  ip::Interface& add(const ip::LinkConfig& given, ip::PacketSink& sink);
  // The device of an interface has failed permanently. If no interface is left, the image stops
  // with a failure.
  void lost(const ip::Interface& interface, const Error& error);

  // Parts for reports and name servers: the head of a list.
  const Part* parts() const { return parts_; }
  void add(Part& one) { one.next_ = std::exchange(parts_, &one); }
  void remove(Part& one) {
    Part** at = &parts_;
    while (*at != &one) at = &(*at)->next_;
    *at = one.next_;
  }

  ip::Host& host() { return host_; }
  const ip::Host& host() const { return host_; }
  const Logger& log() const { return log_; }
  const SipKey& secret() const { return secret_; }
  // Bytes of the image.
  std::size_t memory() const { return memory_; }

  // Copies a received frame into the stack's own memory, so that its device gets its buffers back
  // even if the frame is kept for long. False if no memory is left; some is reserved for short
  // frames (acknowledgements, neighbour discovery).
  bool copy(ip::Interface& from, sig::RxFrame& frame);

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
  void report(const ip::Interface& on, const ip::AddressConflict& conflict, Instant now) override;
  static constexpr unsigned kConflictLines = 10;

  Logger log_;
  SipKey secret_;
  std::size_t memory_;
  std::unique_ptr<ip::HeapBuffers, ip::HeapBuffers::Abandon> copies_;
  ip::Host host_;
  Part* parts_ = nullptr;
  std::size_t lost_count_ = 0;
  Instant conflicts_since_{};
  unsigned conflict_lines_ = 0;
};

static_assert(sig::LinkPort<Stack>);

namespace seeded {
// The stack in a plan, where a type is a template over the types of its devices.
template <sig::Random>
using Stack = stack::Stack;
}  // namespace seeded

}  // namespace fata::stack
