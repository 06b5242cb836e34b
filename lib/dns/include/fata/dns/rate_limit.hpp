// Response rate limiting: an address that is spoofed as the source of many queries receives only a
// few of the responses. Each client prefix (/24 of IPv4, /56 of IPv6) has a bucket per class of
// responses, with credit for one second.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"
#include "fata/base/time.hpp"

namespace fata::dns {

// The parameter --rrl: responses per second for each client prefix and class of responses.
struct RateLimit {
  static constexpr std::uint32_t kMax = 100'000;

  std::uint32_t per_second = 200;  // 0: off
};
bool parse_parameter(std::string_view text, RateLimit& out);
std::string_view parameter_expects(const RateLimit&);

// Classes of responses, so that a flood of one class does not cost a client the others.
enum class ResponseClass : std::uint8_t {
  kPositive,
  kNoData,  // no record of that type, or a referral
  kNxDomain,
  kError,
  kClasses
};

// A token bucket for each class of each of a fixed number of hashed prefixes. Prefixes with
// colliding hashes share their buckets. Nothing is allocated after construction.
class RateLimiter {
 public:
  static constexpr std::size_t kPrefixes = 8192;
  static constexpr std::size_t kClasses = static_cast<std::size_t>(ResponseClass::kClasses);
  static constexpr std::size_t kTableOctets = kPrefixes * kClasses * sizeof(std::uint64_t);

  enum class Excess : std::uint8_t { kSlip, kDrop };

  // `secret` must be random; it hides which prefixes collide. `rate` must not be off. Allocates
  // kTableOctets.
  RateLimiter(RateLimit rate, std::span<const std::byte, 16> secret);

  // Moves prefixes to other buckets; credit already spent counts against other prefixes for a
  // second.
  void set_secret(std::span<const std::byte, 16> secret);

  void set_time(Instant now) { now_ = static_cast<std::uint64_t>(now.ns) & ~kSlipBit; }

  // Takes one response's credit from the bucket; false if none is left.
  bool admit(const IpAddress& client, ResponseClass kind) {
    std::uint64_t& bucket = bucket_of(client, kind);
    std::uint64_t spent = bucket - now_;
    if (spent > credit_) spent = 0;  // the bucket was already full
    if (spent > last_) return false;
    bucket = now_ + spent + cost_;
    return true;
  }
  // Decides about a response that was not admitted. Every second one slips through, truncated, so
  // that a genuine client retries over TCP.
  Excess excess(const IpAddress& client, ResponseClass kind) {
    return ((bucket_of(client, kind) ^= kSlipBit) & kSlipBit) != 0 ? Excess::kSlip : Excess::kDrop;
  }

 private:
  // A bucket holds the time, in nanoseconds, at which it is full again. Times and costs are even,
  // so the lowest bit is free to alternate between the responses beyond the limit.
  static constexpr std::uint64_t kSlipBit = 1;

  // Uses the address's words as they are in memory. An IPv4 address has zeros in the first word and
  // its own octets at the end of the second. The last octet of either word is masked out.
  std::uint64_t& bucket_of(const IpAddress& client, ResponseClass kind) {
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(client.octets());
    const std::uint64_t prefix = (words[0] == 0 ? words[1] : words[0]) & kPrefixMask;
    const auto product = static_cast<unsigned __int128>(prefix ^ key_[0]) * key_[1];
    const std::uint64_t hash =
        static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
    return (*table_)[hash % kPrefixes * kClasses + static_cast<std::size_t>(kind) % kClasses];
  }
  static constexpr std::uint64_t kPrefixMask = std::endian::native == std::endian::little
                                                   ? ~(std::uint64_t{0xff} << 56)
                                                   : ~std::uint64_t{0xff};

  using Table = std::array<std::uint64_t, kPrefixes * kClasses>;

  std::uint64_t now_ = 0;
  std::uint64_t cost_;    // of one response
  std::uint64_t credit_;  // of a full bucket
  std::uint64_t last_;    // the maximum spent at which one more is admitted
  std::array<std::uint64_t, 2> key_;
  std::unique_ptr<Table> table_;
};

}  // namespace fata::dns
