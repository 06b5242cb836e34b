// What the two IP engines have in common, seen from the host and from the transports.
#pragma once

#include <array>
#include <span>

#include "fata/base/counter.hpp"
#include "fata/net/interface.hpp"
#include "fata/net/transport.hpp"

namespace fata::net {

namespace ip_protocol {
inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kIgmp = 2;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIcmpV6 = 58;
}  // namespace ip_protocol

// Packets that a host sends to itself. They wait for the next tick, so that an answer to oneself is
// no recursion.
class Loopback {
 public:
  static constexpr std::size_t kMost = 64;

  bool empty() const { return used_ == 0; }
  bool full() const { return used_ == kMost; }
  void push(PacketBuf packet) { queue_[(first_ + used_++) % kMost] = std::move(packet); }
  // As a device would have received it: it vouches for the checksum.
  sig::RxFrame pop();

 private:
  std::array<PacketBuf, kMost> queue_;
  std::size_t first_ = 0;
  std::size_t used_ = 0;
};

// Another station uses an address of this host, or one that this host was about to use.
struct AddressConflict {
  enum class Outcome : std::uint8_t {
    kKept,       // the address stays in use
    kLost,       // it is not used any more
    kRefused,    // it is not used, and is tried again later
    kReplaced,   // another one is made and tried
    kRecovered,  // after kRefused: no other station has it any more, and it is used
  };
  IpAddress address;
  MacAddress other;  // none for kRecovered
  Outcome outcome = Outcome::kKept;
};
// Receives conflicts for people to see: of one address that is kept at most one in
// kConflictInterval.
class ConflictReporter {
 public:
  virtual void report(const Interface& on, const AddressConflict& conflict, Instant now) = 0;

 protected:
  ~ConflictReporter() = default;
};
inline constexpr Duration kConflictInterval = seconds(60);

// One version of IP, as a pure engine: packets and time in; packets, and calls of the transports,
// out.
class IpProtocol : public IpLayer {
 public:
  static constexpr std::size_t kTransports = 4;

  virtual void add_interface(Interface& interface, Instant now) = 0;
  // A packet from the link (or from this host itself, then `from` is null), without the Ethernet
  // header.
  virtual void receive(Interface* from, ethernet::Type type, LinkCast cast, sig::RxFrame&& packet,
                       Instant now) = 0;
  virtual Instant next_deadline() const = 0;
  virtual void tick(Instant now) = 0;
  virtual bool is_ours(const IpAddress& address) const = 0;
  // One group more or less to listen to (counted, so that several sockets may be in it). Join is
  // false if the table is full.
  virtual bool join(const IpAddress& group, Interface& on, Instant now) = 0;
  virtual void leave(const IpAddress& group, Interface& on, Instant now) = 0;
  virtual std::span<const Counter> counters() const = 0;
  // What is known of the links, for people: a line for the entry with that index, which may be
  // empty; false behind the last one.
  virtual bool write_neighbour(TextWriter& line, std::size_t index) const = 0;
  virtual bool write_route(TextWriter& line, std::size_t index) const = 0;

  // After a restore from a snapshot: what is drawn at random from now on comes from another secret.
  // Addresses stay, and are announced again, as are the groups; routers are asked again.
  virtual void renew(const SipKey& secret, Instant now) = 0;

  void report_conflicts_to(ConflictReporter* reporter) { reporter_ = reporter; }

  // Packets of that protocol go there from now on. ICMP's own (echo replies) may be asked for, too.
  void attach(std::uint8_t protocol, Transport& transport) {
    transports_[attached_++] = {protocol, &transport};
  }

 protected:
  ~IpProtocol() = default;
  void report_conflict(const Interface& on, const AddressConflict& conflict, Instant now) {
    if (reporter_ != nullptr) reporter_->report(on, conflict, now);
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
  std::array<Attached, kTransports> transports_{};
  std::size_t attached_ = 0;
};

}  // namespace fata::net
