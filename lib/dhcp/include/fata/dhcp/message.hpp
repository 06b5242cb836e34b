// DHCP messages (RFC 2131, 2132): server messages as validated values, client messages as bytes.
#pragma once

#include <array>
#include <expected>
#include <optional>
#include <string_view>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"
#include "fata/base/time.hpp"

namespace fata::dhcp {

inline constexpr std::uint16_t kServerPort = 67;
inline constexpr std::uint16_t kClientPort = 68;

enum class Kind : std::uint8_t { kDiscover = 1, kOffer, kRequest, kDecline, kAck, kNak, kRelease };

enum class Malformed : std::uint8_t { kHeader, kOptions };

// A route (RFC 3442). Without a gateway, the network is on the link.
struct Route {
  Ipv4Cidr to;
  Ipv4Address gateway;
  friend bool operator==(const Route&, const Route&) = default;
};

// A bounded list; excess items are dropped.
template <class T, std::size_t N>
class Few {
 public:
  void push(const T& item) {
    if (count_ < N) items_[count_++] = item;
  }
  void clear() { count_ = 0; }
  std::span<const T> all() const { return std::span(items_).first(count_); }
  friend bool operator==(const Few& a, const Few& b) {
    return std::ranges::equal(a.all(), b.all());
  }

 private:
  std::array<T, N> items_{};
  std::size_t count_ = 0;
};

// Search domains, separated by spaces.
using SearchList = Few<char, 255>;
// Drops a domain that does not fit.
void add_domain(SearchList& list, std::span<const char> domain);

// A server's message.
struct Reply {
  Kind kind{};
  std::uint32_t xid = 0;
  Ipv4Address address;                     // yiaddr
  std::optional<Ipv4Address> server;       // option 54
  std::optional<std::uint8_t> prefix;      // from option 1, if it is a valid mask
  std::optional<std::uint32_t> lease;      // in seconds, like the next two
  std::optional<std::uint32_t> renewal;    // T1
  std::optional<std::uint32_t> rebinding;  // T2
  std::optional<std::uint16_t> mtu;
  // From option 121 if present and valid, else a default route via the first router.
  Few<Route, 16> routes;
  Few<Ipv4Address, 4> name_servers;
  Few<Ipv4Address, 4> time_servers;  // option 42, NTP
  Few<char, 255> domain;
  SearchList search;        // option 119 (RFC 3397): names, separated by spaces
  Few<char, 63> host_name;  // option 12: what the server calls this client
  // The hardware address and, if echoed (RFC 6842), the client identifier are this client's.
  bool for_us = false;

  // Options may also be in `sname` and `file` (option 52) and be split (RFC 3396).
  static std::expected<Reply, Malformed> parse(Bytes message, const MacAddress& us);
};

// True if a message, even a malformed one, has that interface's address as the client's (chaddr).
inline bool is_for(Bytes message, const MacAddress& nic) {
  constexpr std::size_t kHardware = 28;
  return message.size() >= kHardware + nic.octets.size() &&
         equal_bytes(message.subspan(kHardware, nic.octets.size()), nic.octets);
}

// A client's message.
struct Request {
  Kind kind{};
  std::uint32_t xid = 0;
  std::uint16_t seconds = 0;  // since the client started the search
  bool broadcast = false;     // requests a broadcast reply
  Ipv4Address address{};      // ciaddr: this client's address, in use
  Ipv4Address wanted{};       // option 50
  Ipv4Address server{};       // option 54
  MacAddress mac{};
  std::uint16_t largest = 1500;  // option 57
  std::string_view host_name{};  // option 12; at most 63 bytes of it are sent

  static constexpr std::size_t kMax = 400;
  // Writes at least 300 bytes, as some relays require.
  std::size_t write(std::span<std::byte, kMax> out) const;
};

}  // namespace fata::dhcp
