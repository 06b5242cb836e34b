// DHCPv6 messages (RFC 9915): server messages as validated values, client messages as bytes.
#pragma once

#include "fata/dhcp/message.hpp"

namespace fata::dhcp::v6 {

inline constexpr std::uint16_t kClientPort = 546;
inline constexpr std::uint16_t kServerPort = 547;
// All_DHCP_Relay_Agents_and_Servers: every client message is sent to this group.
inline constexpr IpAddress kServers = IpAddress::of(0xff02, 0, 0, 0, 0, 0, 1, 2);
inline constexpr std::uint32_t kForever = 0xffffffff;

// Section 7.3.
enum class Kind : std::uint8_t {
  kSolicit = 1,
  kAdvertise,
  kRequest,
  kConfirm,
  kRenew,
  kRebind,
  kReply,
  kRelease,
  kDecline,
  kReconfigure,
  kInformationRequest
};

// Section 21.13. Other codes are failures without a meaning of their own.
enum class Status : std::uint16_t {
  kSuccess,
  kUnspecFail,
  kNoAddrsAvail,
  kNoBinding,
  kNotOnLink,
  kUseMulticast
};

using Duid = Few<std::byte, 130>;  // section 11.1

// The client's DUID is of type DUID-LL (section 11.4), so that it survives a restart without
// storage. All interfaces of an image use the hardware address of its first NIC, and an IAID each.
struct Identity {
  MacAddress mac;
  std::uint32_t iaid = 1;
};

// An address of an identity association; lifetimes in seconds, kForever: infinite.
struct Assigned {
  IpAddress address;
  std::uint32_t preferred = 0;
  std::uint32_t valid = 0;  // 0: the address must no longer be used
};

// IA_NA (section 21.4), if its IAID is the client's. T1 and T2 in seconds; 0: not given.
struct Association {
  std::uint32_t renewal = 0;
  std::uint32_t rebinding = 0;
  Status status = Status::kSuccess;
  Few<Assigned, 4> addresses{};
};

// What a network offers beside an address.
struct Settings {
  Few<IpAddress, 4> name_servers;  // option 23 (RFC 3646)
  Few<IpAddress, 4> time_servers;  // option 56, unicast addresses (RFC 5908)
  Few<char, 253> time_server;      // option 56, the first name
  SearchList search;               // option 24: names, separated by spaces
  friend bool operator==(const Settings&, const Settings&) = default;
};

// A server's message.
struct Reply {
  Kind kind{};
  std::uint32_t xid = 0;  // 24 bits
  Duid server{};          // empty: absent or malformed
  bool for_us = false;    // it contains this client's DUID
  std::uint8_t preference = 0;
  bool rapid_commit = false;
  Status status = Status::kSuccess;
  std::optional<Association> association{};
  Settings settings{};
  std::optional<std::uint32_t> refresh{};          // option 32, in seconds
  std::optional<std::uint32_t> max_solicit{};      // option 82, in seconds, 60 to 86400
  std::optional<std::uint32_t> max_information{};  // option 83, likewise
  unsigned bad_options = 0;                        // options ignored because they are malformed

  // Fails if the message is not a server's (kHeader) or an option exceeds it (kOptions). Of an
  // option that may occur once, the first counts.
  static std::expected<Reply, Malformed> parse(Bytes message, const Identity& us);
};

// A client's message.
struct Request {
  Kind kind{};
  std::uint32_t xid = 0;  // 24 bits
  Identity us;
  Duid server{};                       // empty: to any server
  std::uint16_t elapsed = 0;           // since the exchange began, in hundredths of a second
  bool rapid_commit = false;           // section 21.14
  bool association = false;            // contains an IA_NA
  std::optional<IpAddress> address{};  // within it

  static constexpr std::size_t kMax = 256;
  std::size_t write(std::span<std::byte, kMax> out) const;
};

}  // namespace fata::dhcp::v6
