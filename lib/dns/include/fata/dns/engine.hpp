// The authoritative engine: zones in, queries in, answers out. Pure: no I/O, no clock.
//
//   dns::Engine engine;
//   engine.load("example.org.zone", text, options, diagnostics);   // as often as there are zones
//   engine.build();                                                // once, after the last
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

// What load() finds odd but serves all the same.
class Diagnostics {
 public:
  virtual void warning(const Complaint& complaint) = 0;

 protected:
  ~Diagnostics() = default;
};

struct LoadOptions {
  const Name* origin = nullptr;  // completes relative names until the first $ORIGIN
  const Name* apex =
      nullptr;  // the zone's name, where the file does not decide: its SOA record must be there
  Includes* includes = nullptr;  // null: $INCLUDE is an error
  Diagnostics* diagnostics = nullptr;
};

struct LoadedZone {
  Name apex;
  std::size_t records = 0;  // served; duplicates, and NSEC3 at names of its own, are not
  std::size_t names = 0;    // empty non-terminals included
};

struct EngineOptions {
  // The largest UDP response, and the payload size that our OPT record announces. 1232 fits IPv6's
  // minimum MTU.
  std::uint16_t udp_payload = 1232;
  // Bounds the memory for prepared answers (those with compressed names or additional records);
  // beyond it such answers are composed for each query, with the same content. 0 prepares none.
  // Zone data is not bounded by this.
  std::size_t prepared_bytes_per_record = 32;
};

// One query of a batch and the room for its answer.
struct Exchange {
  Bytes query;
  MutableBytes out;                   // at least kMinAnswerRoom
  std::size_t size = 0;               // of the answer; 0: send none
  const IpAddress* client = nullptr;  // the query's source; needed with a guard only
};

// Room that holds any error response; with less, nothing is answered.
inline constexpr std::size_t kMinAnswerRoom = 512;

// The zone's name as far as `text` shows it although load() refuses it: its SOA record's owner,
// else its first $ORIGIN, else `options.origin`; nothing if all of them are missing. Allocates.
std::optional<Name> zone_name(std::string_view file, std::string_view text,
                              const LoadOptions& options = {});

class Engine {
 public:
  explicit Engine(const EngineOptions& options = {});
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // Reads a whole zone. On a complaint nothing of it is kept, and the engine can still be used. The
  // texts need not outlive the call. Allocates.
  Result<LoadedZone, Complaint> load(std::string_view file, std::string_view text,
                                     const LoadOptions& options = {});
  // Has queries for `apex` and all below it answered SERVFAIL: a zone is there, but could not be
  // loaded. Does nothing if that zone is loaded, and gives way to a later load(). Allocates.
  void load_failed(const Name& apex);
  // Makes the loaded zones answerable. Before it every query is refused; after it nothing more can
  // be loaded.
  void build();

  // Answers one message, in `out`; returns the answer's size, 0 if none is to be sent (a response,
  // or fewer octets than a header). `query` and `out` must not overlap. Never allocates. Over UDP
  // the answer's size is bounded by what the client and the options allow, and TC says that
  // something is missing. With a guard, whose time is set, the answer to `client` carries a cookie
  // if the query does, and over UDP it may be withheld or cut down to a truncated one.
  std::size_t answer(Bytes query, MutableBytes out, Transport transport, Guard* guard = nullptr,
                     const IpAddress& client = {});
  // The same for many at once: their memory accesses overlap, which pays with large zones.
  void answer_batch(std::span<Exchange> exchanges, Transport transport, Guard* guard = nullptr);

  std::span<const Counter> counters() const;
  // Octets that zone data, its index and prepared answers occupy.
  std::size_t memory() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fata::dns
