// A DHCPv4 client (RFC 2131 figure 5) as a pure engine: messages, time and what became of an
// address in; messages, events and the next deadline out.
#pragma once

#include "fata/base/counter.hpp"
#include "fata/dhcp/message.hpp"
#include "fata/net/random_source.hpp"

namespace fata::dhcp {

// What a server has let us use, checked.
struct Lease {
  Ipv4Cidr address;
  Ipv4Address server;
  Few<Route, 16> routes;
  Few<Ipv4Address, 4> name_servers;
  Few<char, 255> domain;
  std::uint16_t mtu = 0;      // 0: not said
  std::uint32_t seconds = 0;  // how long it lasts; all ones: without end
  Instant renewal, rebinding, end;
};

enum class Event : std::uint8_t {
  // Find out whether anybody else has the address: then address_ready() or address_taken().
  kCheck,
  kBound,     // use the lease
  kRenewed,   // the same address, for longer; the rest may have changed
  kLost,      // the address is ours no more
  kNoAnswer,  // several questions have been in vain; said once, the search goes on
};

// Who carries out what the client decides. It may not call the client meanwhile.
class Outside {
 public:
  // From a lease's address to its server, or (`from` is 0.0.0.0) to everybody by an interface
  // without one. In REBINDING `from` is set and `to` is everybody.
  virtual void send(Bytes message, Ipv4Address from, Ipv4Address to, Instant now) = 0;
  virtual void event(Event what, const Lease& lease, Instant now) = 0;

 protected:
  ~Outside() = default;
};

struct Config {
  MacAddress mac;
  std::uint16_t largest = 1500;  // message that can be received
  std::string_view host_name{};  // outlives the client; none if empty
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
  // Leases shorter than this are refused: they would be renewed without end.
  static constexpr std::uint32_t kShortest = 16;

  Client(const Config& config, const SipKey& secret, Outside& outside);

  void start(Instant now);
  // A datagram that came to our port; where it was sent to does not matter.
  void receive(Bytes message, Instant now);
  Instant next_deadline() const { return next_at_; }
  void tick(Instant now);
  // The answers to kCheck. The second also later, when somebody else insists on the address.
  void address_ready(Instant now);
  void address_taken(Instant now);
  // After a restore from a snapshot: other numbers from now on, and a lease is confirmed at once
  // (INIT-REBOOT, RFC 2131 section 3.2), perhaps by another server. The address stays in use until
  // a server refuses it; if none answers, for the rest of the lease.
  void renew(const SipKey& secret, Instant now);
  // Gives the lease back, and is idle.
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
  // In RENEWING and REBINDING half of what is left passes between two questions.
  static Duration half(Instant now, Instant until);
  bool plausible(const Reply& reply);
  bool read_times(const Reply& reply, Lease& lease) const;
  void take_acknowledged(const Reply& reply, Instant now);

  Config config_;
  net::RandomSource random_;
  Outside* outside_;
  State state_ = State::kIdle;
  unsigned tries_ = 0;
  unsigned refusals_ = 0;  // in a row
  bool complained_ = false;
  std::uint32_t xid_ = 0;
  std::uint16_t seconds_ = 0;
  Instant began_{};         // to search
  Instant requested_at_{};  // first, in this exchange: leases count from here
  Instant next_at_ = Instant::never();
  Lease lease_;
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::dhcp
