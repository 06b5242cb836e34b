// The interface common to both IP engines, for the host and the transports.
#pragma once

#include <array>
#include <span>

#include "fata/base/counter.hpp"
#include "fata/base/siphash.hpp"
#include "fata/ip/interface.hpp"
#include "fata/ip/transport.hpp"

namespace fata::ip {

namespace protocol {
inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kIgmp = 2;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIcmpV6 = 58;
}  // namespace protocol

// Packets that a host sends to itself. They wait for the next tick, so that a reply to the host
// itself does not recurse.
class Loopback {
 public:
  static constexpr std::size_t kMax = 64;

  bool empty() const { return used_ == 0; }
  bool full() const { return used_ == kMax; }
  void push(PacketBuf packet) { queue_[(first_ + used_++) % kMax] = std::move(packet); }
  // The packet as a device would deliver it, with its checksum marked as valid.
  sig::RxFrame pop();

 private:
  std::array<PacketBuf, kMax> queue_;
  std::size_t first_ = 0;
  std::size_t used_ = 0;
};

// Another station uses an address that this host uses or was about to use.
struct AddressConflict {
  enum class Outcome : std::uint8_t {
    kKept,       // the address stays in use
    kLost,       // no longer used
    kRefused,    // not used now, tried again later
    kReplaced,   // replaced by another address, which is being tried
    kRecovered,  // after kRefused: the other station is gone and the address is in use
  };
  IpAddress address;
  MacAddress other;  // unset for kRecovered
  Outcome outcome = Outcome::kKept;
};
// Reports conflicts to the operator: for an address that is kept, at most one per
// kConflictInterval.
class ConflictReporter {
 public:
  virtual void report(const Interface& on, const AddressConflict& conflict, Instant now) = 0;

 protected:
  ~ConflictReporter() = default;
};
inline constexpr Duration kConflictInterval = seconds(60);

// Takes received packets that are for other hosts: the place of a router or of address translation.
class Forwarder {
 public:
  // The packet begins with its IP header, which has been checked; its frame was unicast to `from`.
  // False leaves it to the caller, which drops and counts it.
  virtual bool forward(Interface& from, sig::RxFrame& packet, Instant now) = 0;

 protected:
  ~Forwarder() = default;
};

// One version of IP as a pure engine. Inputs are packets and time; outputs are packets and calls to
// the transports.
class Protocol : public Layer {
 public:
  static constexpr std::size_t kTransports = 4;

  virtual void add_interface(Interface& interface, Instant now) = 0;
  // Handles a packet without its Ethernet header, from the link or, if `from` is null, from this
  // host itself.
  virtual void receive(Interface* from, wire::ethernet::Type type, LinkCast cast,
                       sig::RxFrame&& packet, Instant now) = 0;
  virtual Instant next_deadline() const = 0;
  virtual void tick(Instant now) = 0;
  virtual bool is_ours(const IpAddress& address) const = 0;
  // The address of that interface to send from to `remote`; "any" if it has none.
  virtual IpAddress source_on(const Interface& on, const IpAddress& remote) const = 0;
  // Adds or removes one listener of a group. Memberships are counted, so several sockets may share
  // one. join() returns false if the table is full.
  virtual bool join(const IpAddress& group, Interface& on, Instant now) = 0;
  virtual void leave(const IpAddress& group, Interface& on, Instant now) = 0;
  virtual std::span<const Counter> counters() const = 0;
  // Human-readable tables: each call writes the entry at that index, whose line may be empty; false
  // past the last entry.
  virtual bool write_neighbour(TextWriter& line, std::size_t index) const = 0;
  virtual bool write_route(TextWriter& line, std::size_t index) const = 0;

  // Called after a restore from a snapshot: all later random values derive from the new secret.
  // Addresses are kept and announced again, groups are reported again and routers solicited again.
  virtual void renew(const SipKey& secret, Instant now) = 0;

  void report_conflicts_to(ConflictReporter* reporter) { reporter_ = reporter; }

  // Without a forwarder, packets for other hosts are dropped.
  void forward_to(Forwarder* forwarder) { forwarder_ = forwarder; }

  // Packets of that protocol go to `transport` from now on. ICMP is allowed too: the transport then
  // receives echo replies.
  void attach(std::uint8_t protocol, Transport& transport) {
    transports_[attached_++] = {protocol, &transport};
  }
  void detach(const Transport& transport) {
    std::size_t kept = 0;
    for (const Attached each : std::span(transports_).first(attached_)) {
      if (each.transport != &transport) transports_[kept++] = each;
    }
    attached_ = kept;
  }

 protected:
  ~Protocol() = default;
  void report_conflict(const Interface& on, const AddressConflict& conflict, Instant now) {
    if (reporter_ != nullptr) reporter_->report(on, conflict, now);
  }
  bool forwarded(Interface* from, LinkCast cast, sig::RxFrame& packet, Instant now) const {
    return forwarder_ != nullptr && from != nullptr && cast == LinkCast::kUnicast &&
           forwarder_->forward(*from, packet, now);
  }
  Transport* transport(std::uint8_t protocol) const {
    for (const Attached& each : std::span(transports_).first(attached_)) {
      if (each.protocol == protocol) return each.transport;
    }
    return nullptr;
  }

 private:
  struct Attached {
    std::uint8_t protocol = 0;
    Transport* transport = nullptr;
  };
  ConflictReporter* reporter_ = nullptr;
  Forwarder* forwarder_ = nullptr;
  std::array<Attached, kTransports> transports_{};
  std::size_t attached_ = 0;
};

}  // namespace fata::ip
