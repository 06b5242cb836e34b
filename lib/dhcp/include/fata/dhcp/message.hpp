// DHCP messages (RFC 2131, 2132): what a server says as a checked value, what a client says as
// bytes.
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

// Where packets to a network go (RFC 3442). No gateway: it is on the link.
struct Route {
  Ipv4Cidr to;
  Ipv4Address gateway;
  friend bool operator==(const Route&, const Route&) = default;
};

// A list with a bound; what is beyond it is left out.
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

// What a server says.
struct Reply {
  Kind kind{};
  std::uint32_t xid = 0;
  Ipv4Address address;                     // yiaddr
  std::optional<Ipv4Address> server;       // option 54
  std::optional<std::uint8_t> prefix;      // of option 1, if its bits are a mask
  std::optional<std::uint32_t> lease;      // seconds, as are the next two
  std::optional<std::uint32_t> renewal;    // T1
  std::optional<std::uint32_t> rebinding;  // T2
  std::optional<std::uint16_t> mtu;
  // Of option 121 if there is one that makes sense, else to everywhere by the first router.
  Few<Route, 16> routes;
  Few<Ipv4Address, 4> name_servers;
  Few<char, 255> domain;
  bool for_us =
      // The hardware address and, if it is repeated (RFC 6842), the client identifier are ours.
      false;

  // Options may lie in `sname` and `file` too (option 52) and be split (RFC 3396).
  static std::expected<Reply, Malformed> parse(Bytes message, const MacAddress& us);
};

// Whether a message, however malformed, names that card as the client's (chaddr).
inline bool is_for(Bytes message, const MacAddress& card) {
  constexpr std::size_t kHardware = 28;
  return message.size() >= kHardware + card.octets.size() &&
         equal_bytes(message.subspan(kHardware, card.octets.size()), card.octets);
}

// What a client says.
struct Request {
  Kind kind{};
  std::uint32_t xid = 0;
  std::uint16_t seconds = 0;  // since it began to ask
  bool broadcast = false;     // the answer shall come as a broadcast
  Ipv4Address address{};      // ciaddr: ours, and in use
  Ipv4Address wanted{};       // option 50
  Ipv4Address server{};       // option 54
  MacAddress mac{};
  std::uint16_t largest = 1500;  // option 57
  std::string_view host_name{};  // option 12; at most 63 bytes of it are sent

  static constexpr std::size_t kMost = 400;
  // At least 300 bytes, as some relays ask for.
  std::size_t write(std::span<std::byte, kMost> out) const;
};

}  // namespace fata::dhcp
