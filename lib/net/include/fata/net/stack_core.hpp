// The part of a stack that is the same for all devices and families: the host, its clock, and its
// UDP sockets.
#pragma once

#include <memory>
#include <utility>

#include "fata/async/context.hpp"
#include "fata/base/siphash.hpp"
#include "fata/net/autoconfiguration.hpp"
#include "fata/net/heap_buffers.hpp"
#include "fata/net/host.hpp"
#include "fata/net/socket.hpp"

namespace fata::net {

// A device's driver, as the stack sees it.
class TransmitQueue {
 public:
  virtual bool full() = 0;
  virtual void flush() = 0;
  virtual async::Task<Result<void>> writable(async::Wait wait) = 0;

 protected:
  ~TransmitQueue() = default;
};

class Tcp;

// A transport that a stack has only where somebody asks for it: an image without TCP holds nothing
// of it.
class OptionalTransport : public Transport {
 public:
  virtual ~OptionalTransport() = default;
  // Other secrets, derived from the stack's.
  virtual void renew(const SipKey& secret) = 0;
};

class StackCore final : public SocketDriver,
                        private async::Timer,
                        private async::Renewal,
                        private ConflictReporter {
 public:
  // The engines, of which one may be null, outlive it.
  StackCore(async::Context& context, IpProtocol* v4, IpProtocol* v6, const SipKey& secret);
  // All sockets and flows must be gone.
  ~StackCore();

  // The interface's MTU is the given one, or what the buffers to send from have room for if that is
  // less.
  Interface& add(const LinkConfig& given, FrameSink& sink, TransmitQueue& queue);
  // From now on sockets that have a local address hear the groups of that address' card; the
  // others, and all before, those of the first.
  void choose_cards();
  // The device of an interface goes before the stack does; what would leave by it is lost from now
  // on.
  void detach(Interface& interface, TransmitQueue& queue);
  // Says what a card was given, and what of it looks like a mistake. A gateway may be `any`: none.
  void log_ipv4(const Interface& interface, const Ipv4Cidr& address, Ipv4Address gateway);
  // The device of an interface has failed for good. Without any other the image is asked to stop.
  void lost(const Interface& interface, const Error& error);
  Result<std::unique_ptr<UdpSocket>> bind(Endpoint local);

  // The stack's TCP, made by the first call. Its memory is a quarter of the image's, 64 MiB at
  // most.
  Tcp& tcp();

  // What sets up its cards; the first of a list.
  const Autoconfiguration* autoconfiguration() const { return autoconfiguration_; }
  void add(Autoconfiguration& one) { one.next_ = std::exchange(autoconfiguration_, &one); }
  void remove(Autoconfiguration& one) {
    Autoconfiguration** at = &autoconfiguration_;
    while (*at != &one) at = &(*at)->next_;
    *at = one.next_;
  }

  Host& host() { return host_; }
  const Host& host() const { return host_; }
  udp::Table& udp() { return udp_; }
  Logger& log() { return log_; }

  // Moves a received frame to memory of the stack's own, so that its device has its buffers back
  // whoever keeps it. False if there is none left; some of it is kept for short frames
  // (acknowledgements, neighbours).
  bool copy(Interface& from, sig::RxFrame& frame);

  // SocketDriver
  void flush() override;
  bool full() override;
  async::Task<Result<void>> writable(async::Wait wait) override;
  bool join(const IpAddress& group, const IpAddress& local) override;
  void leave(const IpAddress& group, const IpAddress& local) override;
  std::size_t max_payload() override;

 private:
  void on_timer() noexcept override;
  // Everything that came from the stack's secret comes from this one: ports, sequence numbers,
  // cookies, hash keys, identifications.
  void renew(const SipKey& secret) override;
  // Of conflicts at most kConflictLines are logged in kConflictInterval.
  void report(const Interface& on, const AddressConflict& conflict, Instant now) override;
  static constexpr unsigned kConflictLines = 10;
  Interface& card_of(const IpAddress& group, const IpAddress& local) {
    return choose_card_ == nullptr ? host_.interface(0) : choose_card_(host_, group, local);
  }

  Logger log_;
  SipKey secret_;
  std::size_t memory_;
  std::unique_ptr<HeapBuffers, HeapBuffers::Abandon> copies_;
  Host host_;
  udp::Table udp_;
  std::unique_ptr<OptionalTransport> tcp_;
  Autoconfiguration* autoconfiguration_ = nullptr;
  std::array<TransmitQueue*, Interface::kMost> queues_{};
  std::size_t queue_count_ = 0;
  std::size_t lost_count_ = 0;
  Instant conflicts_since_{};
  unsigned conflict_lines_ = 0;
  Interface& (*choose_card_)(Host& host, const IpAddress& group, const IpAddress& local) = nullptr;
};

}  // namespace fata::net
