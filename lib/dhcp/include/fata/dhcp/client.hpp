// A DHCPv4 client (RFC 2131 figure 5) as a pure engine. In: messages, time and the results of
// address checks. Out: messages, events and the next deadline.
#pragma once

#include "fata/base/counter.hpp"
#include "fata/base/random_source.hpp"
#include "fata/dhcp/message.hpp"

namespace fata::dhcp {

// A validated lease from a server.
struct Lease {
  Ipv4Cidr address;
  Ipv4Address server;
  Few<Route, 16> routes;
  Few<Ipv4Address, 4> name_servers;
  Few<Ipv4Address, 4> time_servers;
  Few<char, 255> domain;
  SearchList search;  // names, separated by spaces
  Few<char, 63> host_name;
  std::uint16_t mtu = 0;      // 0: not given
  std::uint32_t seconds = 0;  // duration; all ones: infinite
  Instant renewal, rebinding, end;
};

enum class Event : std::uint8_t {
  // Check the address for conflicts, then call address_ready() or address_taken().
  kCheck,
  kBound,     // use the lease
  kRenewed,   // the same address, extended; other values may have changed
  kLost,      // the address must no longer be used
  kNoAnswer,  // several requests were unanswered; reported once, while the search continues
};

// Performs the client's actions. Its functions must not call the client.
class Outside {
 public:
  // Sends from a lease's address to its server, or (`from` is 0.0.0.0) a broadcast from an
  // interface without an address. In REBINDING, `from` is set and `to` is the broadcast address.
  virtual void send(Bytes message, Ipv4Address from, Ipv4Address to, Instant now) = 0;
  virtual void event(Event what, const Lease& lease, Instant now) = 0;

 protected:
  ~Outside() = default;
};

struct Config {
  MacAddress mac;
  std::uint16_t largest = 1500;  // max message size that can be received
  std::string_view host_name{};  // must outlive the client; empty: none
};

class Client {
 public:
  enum class State : std::uint8_t {
    kIdle,
    kInit,
    kSelecting,
    kRequesting,
    kChecking,
    kBound,
    kRenewing,
    kRebinding,
    kRebooting
  };
  enum Count : std::size_t {
    kSent,
    kReceived,
    kBadHeader,
    kBadOptions,
    kOtherClient,
    kOtherExchange,
    kOtherServer,
    kUnexpected,
    kBadAddress,
    kBadTime,
    kNaks,
    kConflicts,
    kCounts
  };
  // Shorter leases are rejected, since they would be renewed incessantly.
  static constexpr std::uint32_t kShortest = 16;

  Client(const Config& config, const SipKey& secret, Outside& outside);

  void start(Instant now);
  // A datagram received on the client port, for any destination address.
  void receive(Bytes message, Instant now);
  Instant next_deadline() const { return next_at_; }
  void tick(Instant now);
  // The results of kCheck. address_taken() also reports a later conflict.
  void address_ready(Instant now);
  void address_taken(Instant now);
  // After a restore from a snapshot: uses new random numbers and confirms a lease at once
  // (INIT-REBOOT, RFC 2131 section 3.2), possibly with another server. The address stays in use
  // until a server rejects it or, without an answer, for the rest of the lease.
  void renew(const SipKey& secret, Instant now);
  // Releases the lease and becomes idle.
  void release(Instant now);

  State state() const { return state_; }
  bool has_address() const { return state_ >= State::kBound; }
  const Lease& lease() const { return lease_; }
  std::span<const Counter> counters() const { return counters_; }
  std::uint64_t count(Count which) const { return counters_[which].value; }

 private:
  void count_up(Count which) { ++counters_[which]; }
  void enter(State state) { state_ = state, tries_ = 0; }
  void search(Instant at);
  void discover(Instant now);
  void request(Instant now);
  void renew(Instant now);
  void confirm(Instant now);
  void lose(Instant search_at, Instant now);
  void transmit(Request& message, Ipv4Address from, Ipv4Address to, Instant now);
  Duration back_off();
  // In RENEWING and REBINDING, half of the remaining time passes between requests.
  static Duration half(Instant now, Instant until);
  bool plausible(const Reply& reply);
  bool read_times(const Reply& reply, Lease& lease) const;
  void take_acknowledged(const Reply& reply, Instant now);

  Config config_;
  RandomSource random_;
  Outside* outside_;
  State state_ = State::kIdle;
  unsigned tries_ = 0;
  unsigned refusals_ = 0;  // consecutive NAKs
  bool complained_ = false;
  std::uint32_t xid_ = 0;
  std::uint16_t seconds_ = 0;
  Instant began_{};         // start of the search
  Instant requested_at_{};  // first in this exchange: the start of a lease's time
  Instant next_at_ = Instant::never();
  Lease lease_;
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::dhcp
