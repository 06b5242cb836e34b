// An SNTP client (RFC 5905 section 14) for several servers as a pure engine. In: replies, time and
// the host's clock. Out: requests, corrections of the wall clock and the next deadline.
//
// Every reply yields an interval that contains UTC if the server's own bound does: half the delay
// plus the server's root distance. With three or more servers, the result is the smallest interval
// that contains all times on which a majority of them agrees, so the error bound is right as long
// as the silent and the false servers together are a minority. Those that deny service do not
// count. One or two servers must agree with each other and with the host's clock, unless there is
// none. There is no result before each server has answered or has been silent once.
#pragma once

#include "fata/base/address.hpp"
#include "fata/base/random_source.hpp"
#include "fata/base/wall.hpp"
#include "fata/sntp/message.hpp"

namespace fata::sntp {

enum class Event : std::uint8_t {
  kSynchronized,  // after a start or a disagreement, the servers agree
  kDisagreement,  // the servers contradict each other or the host: the host's clock is used
  kDenied,        // a server refuses service and is not queried again
};

// Performs the client's actions. Its functions must not call the client, and the client calls none
// of them before its first tick() or receive().
class Outside {
 public:
  // The host's clock, uncorrected.
  virtual WallReading host(Instant now) = 0;
  virtual void correct(const WallReading& utc, Instant now) = 0;
  // Ends the correction.
  virtual void follow_host() = 0;
  virtual void event(Event what) = 0;

 protected:
  ~Outside() = default;
};

// UTC at Instant 0 as measured at `at`, and its error then.
struct Sample {
  std::int64_t base = 0;
  Duration error{};  // 0: there is no sample
  Instant at{};

  bool exists() const { return error != Duration{}; }
  Duration error_at(Instant now) const { return error + WallCorrection::drift(now - at); }
};

// All times from `first` to `last`, in nanoseconds; none if `last` is before `first`.
struct Interval {
  std::int64_t first = 0, last = 0;
  bool contains(std::int64_t time) const { return first <= time && time <= last; }
  bool is_empty() const { return last < first; }
};
// The smallest interval that contains all times that lie in at least `needed` intervals.
Interval agreement(std::span<const Interval> all, std::size_t needed);

class Client {
 public:
  static constexpr std::size_t kMaxServers = 8;
  // Between two requests to a server. It doubles up to kMaxDoublings times; a kiss-o'-death RATE
  // doubles it for good, up to kMaxRated times.
  static constexpr Duration kMinPoll = seconds(64);
  static constexpr unsigned kMaxDoublings = 4, kMaxRated = 7;
  // A later reply is not accepted.
  static constexpr Duration kTimeout = seconds(4);
  // Servers with a larger root distance are not used (RFC 5905, MAXDIST).
  static constexpr Duration kMaxDistance = seconds(1);
  // Unanswered requests until a server's last sample is dropped.
  static constexpr unsigned kUnreachable = 8;

  enum Count : std::size_t {
    kSent,
    kReceived,
    kMalformed,
    kOtherServer,
    kOtherRequest,
    kUnsynchronized,
    kTooFar,
    kBadTime,
    kKisses,
    kTimeouts,
    kDisagreements,
    kCounts
  };

  Client(const SipKey& secret, Outside& outside);

  // Replaces the servers, if the list differs from the last one; excess ones are dropped. All
  // samples are void then.
  void use(std::span<const IpAddress> servers, Instant now);
  void receive(Bytes message, const Endpoint& from, Instant now);
  Instant next_deadline() const;
  // At the deadline: writes the next request and returns its destination (port kPort). Call it
  // again until it returns null.
  const IpAddress* tick(Instant now, std::span<std::byte, kMessageSize> request);
  // After a restore from a snapshot: unanswered requests and all samples are void.
  void renew(const SipKey& secret, Instant now);

  bool is_synchronized() const { return verdict_ == Verdict::kAgreed; }
  std::uint64_t count(Count which) const { return counts_[which]; }

 private:
  enum class Verdict : std::uint8_t { kNone, kAgreed, kDisagreed };
  struct Server {
    enum class State : std::uint8_t { kIdle, kAsked, kDenied };
    IpAddress address;
    State state = State::kIdle;
    bool tried = false;  // the first exchange has ended, with or without a reply
    std::uint8_t doublings = 0;
    std::uint8_t min_doublings = 0;
    std::uint8_t unanswered = 0;
    std::uint64_t cookie = 0;
    Instant asked_at{};
    Instant next_at{};  // of the next request, or of the timeout
    Sample sample;
  };

  std::span<Server> servers() { return std::span(servers_).first(used_); }
  std::span<const Server> servers() const { return std::span(servers_).first(used_); }
  void ask(Server& server, Instant now, std::span<std::byte, kMessageSize> request);
  void wait(Server& server, unsigned doublings);
  void restart(Instant now);
  void watch_host(Instant now);
  void take_kiss(Server& server, std::uint32_t code);
  bool take_time(Server& server, const Reply& reply, Instant now);
  void choose(Instant now);
  void conclude(const Interval& found, Instant now);

  // The small members come first: an offset of less than 128 makes shorter code.
  Outside* outside_;
  RandomSource random_;
  std::size_t used_ = 0;
  // The host's clock at Instant 0. Before the first reading, any clock seems to have moved.
  std::int64_t host_base_ = 0;
  // No server is queried earlier: kMinPoll after the last request to one that was replaced.
  Instant not_before_{};
  Verdict verdict_ = Verdict::kNone;
  std::array<std::uint64_t, kCounts> counts_{};
  std::array<Server, kMaxServers> servers_{};
};

}  // namespace fata::sntp
