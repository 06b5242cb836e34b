// The cache of a resolver: positive and negative answers (RFC 2308), kept for a while after their
// end (RFC 8767).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fata/base/siphash.hpp"
#include "fata/base/time.hpp"
#include "fata/dns/name.hpp"
#include "fata/sig/records.hpp"

namespace fata::resolver {

struct CacheLimits {
  std::size_t entries = 1024;       // rounded up to a power of two, at least 4
  std::size_t octets = 256 << 10;   // of names and records
  std::size_t entry_octets = 4096;  // a larger answer is not cached
  // How long an answer may be used after its end if no server answers.
  Duration stale = seconds(86400);
};

// A set-associative table. Its hash is keyed, so that names cannot be chosen to evict others.
class Cache {
 public:
  struct Key {
    std::uint64_t hash = 0;
    dns::Type type{};
    Bytes name;  // lower case
  };
  // Valid until the next put().
  struct Found {
    std::optional<sig::NameErrc> error;  // of a negative answer
    Bytes records;                       // as in sig::RecordSet
    Duration left;                       // negative: stale
    Instant retry_at;                    // do not refresh a stale answer before
  };

  Cache(const SipKey& secret, const CacheLimits& limits);

  // For several types of a name, hash it once.
  std::uint64_t hash(const dns::LowerName& name) const { return siphash(secret_, name.wire()); }
  static Key key(std::uint64_t hash, const dns::LowerName& name, dns::Type type) {
    return {hash ^ 0x9e3779b97f4a7c15U * static_cast<std::uint64_t>(type), type, name.wire()};
  }

  // Also returns stale answers.
  std::optional<Found> find(const Key& key, Instant now);
  // Stores an answer for its TTL. One that is too large or has a TTL of 0 only removes an older
  // one.
  void put(const Key& key, std::optional<sig::NameErrc> error, const sig::RecordSet& records,
           Instant now);
  // After a failed refresh: the stale answer is used without another one until then.
  void postpone(const Key& key, Instant retry_at);

  std::size_t entries() const;
  std::size_t octets() const { return octets_; }

 private:
  static constexpr std::size_t kWays = 4;
  struct Entry {
    std::uint64_t hash = 0;
    Instant ends{};  // of its TTL
    Instant used{};
    Instant retry_at{};
    dns::Type type{};
    std::uint8_t name_size = 0;  // 0: free
    std::optional<sig::NameErrc> error{};
    std::vector<std::byte> data{};  // the name, then the records
  };

  Entry* entry_of(const Key& key);
  std::span<Entry> set_of(std::uint64_t hash);
  void free(Entry& entry);
  void make_room(std::size_t octets);

  SipKey secret_;
  CacheLimits limits_;
  std::vector<Entry> entries_;
  std::size_t octets_ = 0;
  std::size_t hand_ = 0;  // of make_room()
};

}  // namespace fata::resolver
