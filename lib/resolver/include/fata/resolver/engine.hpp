// A stub resolver (RFC 1123 section 6.1.3.1) as a pure engine. In: names, responses, time and a
// secret. Out: queries, results and the next deadline. It has no I/O, no clock and no coroutine.
//
// A response is accepted only if its address, port, ID, question and the case of the question's
// letters are those of a query (RFC 5452, draft-vixie-dnsext-dns0x20), and equal questions share
// one query, so that an off-path attacker has to guess all of them at once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "fata/base/counter.hpp"
#include "fata/base/random_source.hpp"
#include "fata/resolver/answer.hpp"
#include "fata/resolver/cache.hpp"
#include "fata/resolver/lookup.hpp"
#include "fata/resolver/servers.hpp"

namespace fata::resolver {

enum class Transport : std::uint8_t { kUdp, kTcp };

// A query in flight. `index` is below kSlots; `serial` is that of one use of the slot.
struct Slot {
  std::uint16_t index = 0;
  std::uint32_t serial = 0;
  friend bool operator==(const Slot&, const Slot&) = default;
};

// Performs the engine's actions. Its functions must not call the engine.
class Outside {
 public:
  // Sends a query from a new random port, or over a new connection, and reports what arrives there
  // to receive() until close().
  virtual void send(Slot slot, const Endpoint& server, Transport transport, Bytes query) = 0;
  virtual void close(Slot slot) = 0;
  // The lookup is done.
  virtual void done(Lookup& lookup) = 0;

 protected:
  ~Outside() = default;
};

struct Options {
  // Announced by EDNS. A longer response may have come in fragments, which can be forged, and is
  // requested over TCP.
  std::uint16_t udp_payload = 1232;
  bool mixed_case = true;
  CacheLimits cache{};
};

inline constexpr std::size_t kMaxSearch = 6;
inline constexpr unsigned kMaxNdots = 15;

class Engine {
 public:
  enum Count : std::size_t {
    kLookups,
    kQueries,
    kTcpQueries,
    kAnswers,
    kTimeouts,
    kForeign,    // from another address, or for no query
    kMalformed,  // no response with one question
    kWrongId,
    kWrongQuestion,
    kWrongCase,
    kTruncated,
    kOversized,
    kSuspected,  // queries repeated over TCP because of too many wrong responses
    kCacheHits,
    kStale,     // stale answers that were used
    kFailures,  // an RCODE, an unusable answer, or a failed transport
    kCounts
  };
  static constexpr std::size_t kQuestions = 64;
  // Queries of a question in flight; a new one replaces the oldest.
  static constexpr std::size_t kAttempts = 4;
  static constexpr std::size_t kSlots = kQuestions * kAttempts;
  // Queries for one question.
  static constexpr unsigned kMaxQueries = 24;
  // Aliases across answers.
  static constexpr unsigned kMaxRestarts = 8;
  // A question ends after this time, and a lookup that is as old tries no further domain of the
  // search list: it lasts at most twice as long.
  static constexpr Duration kLifetime = seconds(10);
  // Wrong responses to one query over UDP, after which it is repeated over TCP (RFC 5452 section
  // 9.3).
  static constexpr unsigned kMaxWrong = 16;
  // How long one family of addresses waits for the other.
  static constexpr Duration kGrace = seconds(1);
  // RFC 8767 section 5: a stale answer is used after this time without an answer, and not refreshed
  // for the second time after a failure.
  static constexpr Duration kStaleAfter = milliseconds(1800), kStaleRetry = seconds(30);
  // Before the only server is queried again after its transport failed.
  static constexpr Duration kPause = milliseconds(200);

  Engine(const SipKey& secret, Outside& outside, const Options& options = {});
  ~Engine();

  // The servers, best first. Takes effect at once.
  void set_servers(std::span<const Endpoint> servers);
  // The domains that complete a name without a final dot, in order; more than kMaxSearch are
  // ignored. A name with at least `ndots` dots is first looked up as it is, others last.
  void set_search(std::span<const dns::Name> domains, unsigned ndots = 1);

  // Starts a lookup for the addresses of `host`, or for the records of a type. The lookup may be
  // done when the call returns; then Outside::done() is not called. Addresses in text and special
  // names (RFC 6761: localhost, invalid; RFC 7686: onion) need no server.
  void resolve(Lookup& lookup, std::string_view host, Instant now);
  void query(Lookup& lookup, std::string_view name, dns::Type type, Instant now);

  // What arrived for a slot: a datagram's payload, or one message of a connection.
  void receive(Slot slot, const Endpoint& from, Bytes message, Instant now);
  // The slot's datagram could not be delivered, or its connection failed.
  void failed(Slot slot, Instant now);
  Instant next_deadline();
  void tick(Instant now);
  // After a restore from a snapshot: IDs and cases are unpredictable again.
  void renew(const SipKey& secret) { random_ = RandomSource(secret); }

  std::span<const Counter> counters() const { return counters_; }
  std::uint64_t count(Count which) const { return counters_[which].value; }

 private:
  struct Attempt;
  struct Question;

  void begin(Lookup& lookup, std::string_view name, std::span<const dns::Type> types, Instant now);
  bool next_candidate(Lookup& lookup);
  void ask_all(Lookup& lookup, Instant now);
  void ask(Lookup& lookup, Part& part, const dns::LowerName& lower, std::uint64_t hash,
           Instant now);
  void deliver(std::size_t question, const std::optional<Error>& error,
               const sig::RecordSet& records, Instant now);
  bool deliver_stale(Question& question, Instant now);
  Question* question_for(const dns::Name& name, dns::Type type);
  void abandon_unused();
  void next_server(Question& question, Instant now);
  Attempt& transmit(Question& question, std::size_t server, Transport transport, Instant now);
  Attempt* attempt_of(Slot slot);
  Slot slot_of(const Question& question, const Attempt& attempt) const;
  void close(Question& question, Attempt& attempt);
  // True if the message answers the attempt's query.
  bool matches(Attempt& attempt, Question& question, const Endpoint& from, Bytes message,
               Instant now);
  void take(Question& question, Attempt& attempt, Bytes message, Instant now);
  // Repeats the attempt's query over TCP; the attempt takes no more responses.
  void repeat_over_tcp(Question& question, Attempt& attempt, Instant now);
  void unanswered(Server& server, const Attempt& attempt);
  void server_failed(Question& question, Attempt& attempt, Instant now);
  void finish(Question& question, std::optional<Error> error, sig::RecordSet records, Instant now);
  void settle(Lookup& lookup, Instant now);
  void count_up(Count which) { ++counters_[which]; }

  RandomSource random_;
  std::uint32_t serial_ = 0;
  Outside* outside_;
  Options options_;
  Servers servers_;
  Cache cache_;
  std::array<dns::Name, kMaxSearch> search_;
  std::size_t search_count_ = 0;
  unsigned ndots_ = 1;
  std::unique_ptr<std::array<Question, kQuestions>> questions_;
  List<Lookup> lookups_;
  const Lookup* starting_ = nullptr;  // inside begin(), which does not call Outside::done()
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::resolver
