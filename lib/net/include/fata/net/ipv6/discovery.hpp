// The messages of neighbour discovery (RFC 4861): their options, and writers for those that a host
// sends.
#pragma once

#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"

namespace fata::net::ipv6 {

namespace nd {

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
  Bytes body;  // behind type and length
};

// One option after the other. A message with an option that has no length, or ends outside, is
// dropped whole (RFC 4861 section 6.1).
class Options {
 public:
  explicit Options(Bytes bytes) : rest_(bytes) {}
  std::optional<Option> next();
  // Whether all of `bytes` are sound options.
  static bool valid(Bytes bytes);
  // The hardware address in the first option of that type.
  static std::optional<MacAddress> link_address(Bytes options, std::uint8_t type);

 private:
  Bytes rest_;
};

// A solicitation or advertisement of a neighbour, as far as both are alike; both are written with
// an unfinished checksum of 0.
struct NeighbourMessage {
  std::uint8_t type = kNeighbourSolicitation;
  bool router = false, solicited = false, override_known = false;  // of an advertisement
  IpAddress target;
  std::optional<MacAddress> link_address{};
  std::optional<std::uint64_t> nonce{};  // 48 bits (RFC 7527)

  static constexpr std::size_t kMostSize = 24 + 8 + 8;
  // Checks length, code and options.
  static std::optional<NeighbourMessage> parse(Bytes message);
  // Gives the size.
  std::size_t write(MutableBytes to) const;
};

}  // namespace nd
}  // namespace fata::net::ipv6
