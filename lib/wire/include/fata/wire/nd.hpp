// Neighbour discovery messages (RFC 4861): their options, and a writer for solicitations and
// advertisements.
#pragma once

#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"

namespace fata::wire::nd {

inline constexpr std::uint8_t kRouterSolicitation = 133;
inline constexpr std::uint8_t kRouterAdvertisement = 134;
inline constexpr std::uint8_t kNeighbourSolicitation = 135;
inline constexpr std::uint8_t kNeighbourAdvertisement = 136;
inline constexpr std::uint8_t kRedirect = 137;

inline constexpr std::uint8_t kSourceLink = 1;
inline constexpr std::uint8_t kTargetLink = 2;
inline constexpr std::uint8_t kPrefix = 3;
inline constexpr std::uint8_t kMtu = 5;
inline constexpr std::uint8_t kNonce = 14;
inline constexpr std::uint8_t kRdnss = 25;
inline constexpr std::uint8_t kDnssl = 31;

struct Option {
  std::uint8_t type = 0;
  Bytes body;  // after type and length
};

// Iterates over options. A message with an option of length zero or beyond the message's end is
// dropped whole (RFC 4861 section 6.1).
class Options {
 public:
  explicit Options(Bytes bytes) : rest_(bytes) {}
  std::optional<Option> next();
  // Whether all of `bytes` are valid options.
  static bool valid(Bytes bytes);
  // The hardware address in the first option of that type.
  static std::optional<MacAddress> link_address(Bytes options, std::uint8_t type);

 private:
  Bytes rest_;
};

// The common part of a neighbour solicitation and advertisement; both are written with a checksum
// of 0, to be filled in later.
struct NeighbourMessage {
  std::uint8_t type = kNeighbourSolicitation;
  // Flags of an advertisement.
  bool router = false, solicited = false, override_known = false;
  IpAddress target;
  std::optional<MacAddress> link_address{};
  std::optional<std::uint64_t> nonce{};  // 48 bits (RFC 7527)

  static constexpr std::size_t kMaxSize = 24 + 8 + 8;
  // Checks length, code and options.
  static std::optional<NeighbourMessage> parse(Bytes message);
  // Returns the size.
  std::size_t write(MutableBytes to) const;
};

}  // namespace fata::wire::nd
