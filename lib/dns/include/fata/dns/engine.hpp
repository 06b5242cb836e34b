// The authoritative engine. In: zones and queries. Out: answers. Pure: no I/O, no clock.
//
//   dns::Engine engine;
//   engine.load("example.org.zone", text, options, diagnostics);   // once per zone
//   engine.build();                                                // once, after the last load
//   size = engine.answer(query, out, dns::Transport::kUdp);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/result.hpp"
#include "fata/dns/guard.hpp"
#include "fata/dns/name.hpp"
#include "fata/dns/zonefile.hpp"

namespace fata::dns {

enum class Transport : std::uint8_t { kUdp, kTcp };

// Receives warnings from load() about data that is served nevertheless.
class Diagnostics {
 public:
  virtual void warning(const Diagnostic& diagnostic) = 0;

 protected:
  ~Diagnostics() = default;
};

struct LoadOptions {
  const Name* origin = nullptr;  // completes relative names until the first $ORIGIN
  // The zone's name, if the file does not determine it; its SOA record must be there.
  const Name* apex = nullptr;
  Includes* includes = nullptr;  // null: $INCLUDE is an error
  Diagnostics* diagnostics = nullptr;
};

struct LoadedZone {
  Name apex;
  // Records served, not counting duplicates and the NSEC3 records of names without other data.
  std::size_t records = 0;
  // Includes empty non-terminals.
  std::size_t names = 0;
};

struct EngineOptions {
  // The maximum UDP response, and the payload size announced in the OPT record. 1232 fits IPv6's
  // minimum MTU.
  std::uint16_t udp_payload = 1232;
  // Bounds the memory for prepared answers (those with compressed names or additional records).
  // Beyond it, these answers are composed for each query, with the same content. 0 prepares none.
  // Zone data is not bounded by this.
  std::size_t prepared_bytes_per_record = 32;
};

// A query of a batch, and the buffer for its answer.
struct Exchange {
  Bytes query;
  MutableBytes out;                   // at least kMinAnswerRoom
  std::size_t size = 0;               // of the answer; 0: send none
  const IpAddress* client = nullptr;  // the query's source; required only with a guard
};

// Holds any error response; with less room, nothing is answered.
inline constexpr std::size_t kMinAnswerRoom = 512;

// The zone's name if load() rejects `text`: the owner of its SOA record, else its first $ORIGIN,
// else `options.origin`; nullopt if all are missing. Allocates.
std::optional<Name> zone_name(std::string_view file, std::string_view text,
                              const LoadOptions& options = {});

class Engine {
 public:
  explicit Engine(const EngineOptions& options = {});
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // Reads a whole zone. On an error, none of it is kept, and the engine stays usable. The texts
  // need not outlive the call. Allocates.
  Result<LoadedZone, Diagnostic> load(std::string_view file, std::string_view text,
                                      const LoadOptions& options = {});
  // Answers queries for `apex` and below with SERVFAIL: the zone exists, but could not be loaded.
  // Has no effect if that zone is loaded; a later load() replaces it. Allocates.
  void load_failed(const Name& apex);
  // Makes the loaded zones answerable. Before this call, every query is refused; after it, no zone
  // can be loaded.
  void build();

  // Answers one message in `out`; returns the answer's size, or 0 to send none (for a response, or
  // fewer octets than a header). `query` and `out` must not overlap. Never allocates. Over UDP, the
  // size is bounded by the client and the options, and TC marks a truncated answer. With a guard,
  // whose time must be set, the answer to `client` carries a cookie if the query does; over UDP, it
  // may be withheld or truncated.
  std::size_t answer(Bytes query, MutableBytes out, Transport transport, Guard* guard = nullptr,
                     const IpAddress& client = {});
  // Answers a batch in the same way. The memory accesses overlap, which pays off with large zones.
  void answer_batch(std::span<Exchange> exchanges, Transport transport, Guard* guard = nullptr);

  std::span<const Counter> counters() const;
  // Octets occupied by zone data, its index and prepared answers.
  std::size_t memory() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fata::dns
