// Happy Eyeballs version 2 (RFC 8305) as a pure engine: it decides which address of a host to try
// next, and when. In: the addresses of each family as they are resolved, the outcomes of attempts,
// time. Out: attempts to start, the next deadline, the winner. It has no I/O, no clock and no
// coroutine.
//
// The caller looks up both families at once. IPv4 waits for IPv6 as long as `resolution_delay`
// (section 3), and so does IPv6 for IPv4 if it has only addresses that RFC 6724 ranks below those
// of IPv4. Attempts start one after the other, each `attempt_delay` after the last or as soon as
// one has failed (section 5), while the earlier ones go on; families alternate (section 4). The
// first connection wins. Addresses that are resolved during this join in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/error.hpp"
#include "fata/base/text.hpp"
#include "fata/base/time.hpp"

namespace fata::eyeballs {

enum class Family : std::uint8_t { kV6, kV4 };

struct Options {
  // How long the addresses of one family wait for those of the preferred one.
  Duration resolution_delay = milliseconds(50);
  // Between the starts of two attempts. Section 5 allows 100 ms to 2 s.
  Duration attempt_delay = milliseconds(250);
};

class Engine {
 public:
  // Of one family; more are ignored.
  static constexpr std::size_t kMaxAddresses = 8;
  static constexpr std::size_t kMaxAttempts = 2 * kMaxAddresses;

  explicit Engine(std::uint16_t port, const Options& options = {})
      : port_(port), options_(options) {}

  // The outcome of a family's lookup, once for each family. Addresses of the other family are
  // ignored, and an empty list is kNoData.
  void resolved(Family family, std::span<const IpAddress> addresses, Instant now);
  void unresolved(Family family, const Error& error);

  // The number of an attempt to start now: 0, 1, 2, ... Nothing if none is due or the race is over.
  // Call it until it returns nothing, after each other call and at the deadline.
  std::optional<std::size_t> next(Instant now);
  // Where attempt `number` connects to.
  Endpoint target(std::size_t number) const { return {attempts_[number].address, port_}; }
  // The outcome of an attempt, once for each. A connection after the first is ignored: the caller
  // closes it.
  void connected(std::size_t number);
  void failed(std::size_t number, const Error& error, Instant now);

  // When next() may return an attempt without another call; never if only a call changes that.
  Instant next_deadline() const;
  std::size_t attempts() const { return started_; }
  std::optional<std::size_t> winner() const { return winner_; }
  // True once an attempt has won, or none is left.
  bool over() const;
  // Why no attempt won, once the race is over: why there is no address, or why the first attempt,
  // that of the preferred address, failed.
  Error error() const;
  // "[2001:db8::1]:80: connection refused; 192.0.2.1:80: no answer", for each attempt, if none has
  // won. An attempt without an answer is one that has not ended.
  void write_failures(TextWriter& out) const;

 private:
  struct Candidates {
    std::array<IpAddress, kMaxAddresses> addresses;
    std::size_t count = 0;
    std::size_t tried = 0;
    bool answered = false;
    Instant at{};  // of the addresses
    std::optional<Error> error{};
    bool untried() const { return tried != count; }
  };
  struct Attempt {
    IpAddress address;
    std::optional<Error> error{};
  };

  Candidates& of(Family family) { return families_[static_cast<std::size_t>(family)]; }
  const Candidates& of(Family family) const { return families_[static_cast<std::size_t>(family)]; }
  // When the first attempt may start; never without addresses.
  Instant begins_at() const;
  Family next_family() const;

  std::uint16_t port_;
  Options options_;
  std::array<Candidates, 2> families_{};
  std::array<Attempt, kMaxAttempts> attempts_{};
  std::size_t started_ = 0;
  std::size_t pending_ = 0;
  std::optional<std::size_t> winner_{};
  Instant next_at_{};
  Family last_ = Family::kV4;
};

// Sorts addresses of one family, best first: by the precedence of RFC 6724 section 2.1, otherwise
// in the given order. The rules that compare source addresses are left to the attempts themselves:
// one without a route fails at once.
void sort(std::span<IpAddress> addresses);
// The precedence of the address's entry in the default policy table: 40 for most of IPv6, 35 for
// IPv4, less for tunnels and for what is reachable within a site only.
unsigned precedence(const IpAddress& address);

}  // namespace fata::eyeballs
