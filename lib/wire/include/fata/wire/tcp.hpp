// The TCP header and its options as a validated value (RFC 9293 section 3.1).
#pragma once

#include <array>
#include <cstdint>
#include <expected>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"
#include "fata/base/packet.hpp"
#include "fata/wire/checksum.hpp"
#include "fata/wire/sequence.hpp"

namespace fata::wire::tcp {

inline constexpr std::uint8_t kProtocol = 6;
inline constexpr std::size_t kHeaderSize = 20;
inline constexpr std::size_t kMaxHeader = 60;

// Bits of Header::flags, as on the wire.
enum Flag : std::uint8_t {
  kFin = 1,
  kSyn = 2,
  kRst = 4,
  kPsh = 8,
  kAck = 16,
  kUrg = 32,
  kEce = 64,
  kCwr = 128,
};

struct Options {
  static constexpr std::size_t kMaxSack = 4;
  static constexpr std::size_t kMaxCookie = 16;

  std::uint16_t mss = 0;          // 0: absent
  bool has_window_scale = false;  // RFC 7323 section 2; the shift is at most 14
  std::uint8_t window_scale = 0;
  bool sack_permitted = false;  // RFC 2018
  bool has_timestamps = false;  // RFC 7323 section 3
  bool has_cookie = false;      // RFC 7413; a cookie of 0 bytes is a request
  std::uint8_t cookie_size = 0;
  std::uint8_t sack_count = 0;
  std::uint32_t ts_value = 0;
  std::uint32_t ts_echo = 0;
  std::array<SeqRange, kMaxSack> sack;
  std::array<std::byte, kMaxCookie> cookie;

  Bytes cookie_bytes() const { return Bytes(cookie).first(cookie_size); }
  // Size on the wire, padded to a multiple of 4; at most 40 if the SACK blocks and cookie are
  // chosen to fit.
  std::size_t size() const;
};

enum class Malformed : std::uint8_t { kTruncated, kHeaderLength, kChecksum };

struct Header {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  Seq seq = 0;
  Seq ack = 0;
  std::uint8_t flags = 0;
  std::uint8_t header_length = kHeaderSize;
  std::uint16_t window = 0;
  std::uint16_t urgent = 0;
  Options options;

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }

  // `segment` holds at least the header. A malformed option ends the list; the options before it
  // count (RFC 9293 section 3.1 MUST-7). The checksum is verified separately.
  static std::expected<Header, Malformed> parse(Bytes segment);
  // Writes kHeaderSize + options.size() bytes with a checksum of 0.
  void write(MutableBytes to) const;
};

// Adds the pseudo-header for `length` bytes of segment. IPv4 addresses are IPv4-mapped: the sixteen
// one bits of their prefix are zero in one's-complement arithmetic, so one formula serves both
// families.
void add_pseudo_header(ChecksumSum& sum, const IpAddress& source, const IpAddress& destination,
                       std::size_t length);

// Whether the checksum of a received segment is correct.
bool checksum_holds(const IpAddress& source, const IpAddress& destination, Bytes segment,
                    const BufferChain& more);

}  // namespace fata::wire::tcp
