// A DHCPv6 client (RFC 9915 section 18.2) as a pure engine. In: messages, time and the results of
// address checks. Out: messages, events and the next deadline.
#pragma once

#include "fata/base/counter.hpp"
#include "fata/base/random_source.hpp"
#include "fata/dhcp/v6/message.hpp"

namespace fata::dhcp::v6 {

// A validated lease. Without an address (`address` is ::), only the settings count.
struct Lease {
  IpAddress address;
  Duid server{};
  Settings settings{};
  std::uint32_t seconds = 0;  // valid lifetime; all ones: infinite
  Instant preferred{}, renewal{}, rebinding{}, end{};
};

// What the client is to find, in ascending order; the flags of router advertisements decide.
enum class Need : std::uint8_t {
  kNothing,
  kSettings,  // O: an Information-request (section 18.2.6)
  kAddress,   // M: an address, which comes with settings
};

enum class Event : std::uint8_t {
  // Check the address for conflicts, then call address_ready() or address_taken().
  kCheck,
  kBound,     // use the lease
  kRenewed,   // the same address, extended; other values may have changed
  kLost,      // the address must no longer be used
  kInformed,  // new settings without an address
  kNoAnswer,  // several messages were unanswered; reported once, while the search continues
};

// Performs the client's actions. Its functions must not call the client.
class Outside {
 public:
  // Sends from a link-local address to kServers; unicast to servers is obsolete (RFC 9915).
  virtual void send(Bytes message, Instant now) = 0;
  virtual void event(Event what, const Lease& lease, Instant now) = 0;

 protected:
  ~Outside() = default;
};

// The parameters of a retransmission (section 15), in seconds; 0: no limit.
struct Timing {
  std::uint32_t initial, max;
  unsigned count;
};

class Client {
 public:
  enum class State : std::uint8_t {
    kIdle,
    kInforming,
    kInformed,
    kSoliciting,
    kRequesting,
    kDeclining,
    kChecking,
    kBound,
    kRenewing,
    kRebinding
  };
  enum Count : std::size_t {
    kSent,
    kReceived,
    kBadHeader,
    kBadOptions,  // messages and single options
    kOtherClient,
    kOtherExchange,
    kOtherServer,
    kUnexpected,
    kBadAddress,
    kBadTime,
    kRefused,  // a status code that is not success
    kConflicts,
    kCounts
  };
  // Addresses with a shorter life, in seconds, are rejected: they would be renewed incessantly.
  static constexpr std::uint32_t kShortest = 16;

  Client(const Identity& us, const SipKey& secret, Outside& outside);

  // Starts, or extends what is needed: less than before has no effect.
  void start(Need need, Instant now);
  // A datagram from port 547 to the client port.
  void receive(Bytes message, Instant now);
  Instant next_deadline() const { return next_at_; }
  void tick(Instant now);
  // The results of kCheck. address_taken() also reports a later conflict.
  void address_ready(Instant now);
  void address_taken(Instant now);
  // After a restore from a snapshot or a change of the link: uses new random numbers and confirms
  // a lease at once by a Rebind, which also renews it. The address stays in use until a server
  // rejects it or, without an answer, for the rest of the lease.
  void renew(const SipKey& secret, Instant now);
  // Releases the lease and becomes idle. The Release is sent once, as the image is about to end.
  void release(Instant now);

  State state() const { return state_; }
  bool has_address() const { return state_ >= State::kBound; }
  const Lease& lease() const { return lease_; }
  std::span<const Counter> counters() const { return counters_; }
  std::uint64_t count(Count which) const { return counters_[which].value; }

 private:
  void count_up(Count which) { ++counters_[which]; }
  // Starts an exchange with a new transaction ID; its first message is due at `at`.
  void enter(State state, Instant at);
  void search(Instant now, Duration pause = {});
  void transmit(Kind kind, Instant now);
  void schedule(const Timing& timing, Instant now);
  Timing timing() const;
  void lose(Instant now);
  void complain(Instant now);
  void refuse(Instant now);
  void take_advertise(const Reply& reply, Instant now);
  void take_information(const Reply& reply, Instant now);
  void take_reply(const Reply& reply, Instant now);
  void take_address(const Reply& reply, const Assigned& assigned, Instant now);
  bool read_times(const Association& from, const Assigned& assigned, Lease& lease,
                  Instant now) const;

  Identity us_;
  RandomSource random_;
  Outside* outside_;
  State state_ = State::kIdle;
  Need need_ = Need::kNothing;
  unsigned tries_ = 0;
  unsigned refusals_ = 0;  // consecutive
  bool complained_ = false;
  std::uint32_t xid_ = 0;
  std::uint32_t max_solicit_ = 3600, max_information_ = 3600;
  Duration timeout_{};
  Instant began_{};  // the exchange's first message
  Instant next_at_ = Instant::never();
  // The best Advertise so far, of preference at least 0.
  int preference_ = -1;
  Lease lease_;
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::dhcp::v6
