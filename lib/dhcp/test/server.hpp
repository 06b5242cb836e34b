// Server messages, assembled field by field so that each field can be made wrong.
#pragma once

#include <string>
#include <vector>

#include "fata/dhcp/message.hpp"

namespace fata::dhcp {

using Octets = std::vector<std::byte>;
inline Octets octets(std::initializer_list<int> values) {
  Octets out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}
inline Octets number(std::uint32_t value, std::size_t size = 4) {
  Octets out;
  for (std::size_t i = size; i-- > 0;) out.push_back(static_cast<std::byte>(value >> (8 * i)));
  return out;
}

inline constexpr MacAddress kUs{{std::byte{2}, {}, {}, {}, {}, std::byte{1}}};
inline constexpr Ipv4Address kServerAddress = Ipv4Address::of(10, 0, 0, 2);
inline constexpr Ipv4Address kOurs = Ipv4Address::of(10, 0, 0, 15);

struct Answer {
  Kind kind = Kind::kOffer;
  std::uint32_t xid = 7;
  Ipv4Address address = kOurs;
  Ipv4Address server = kServerAddress;
  std::uint32_t lease = 3600;
  std::vector<std::pair<int, Octets>> more{};
  MacAddress mac = kUs;
  bool plain = true;  // with the usual mask and router

  Octets bytes() const {
    Octets out(240);
    ByteWriter head(out);
    head.u32(0x02010600);
    head.u32(xid);
    head.u64(0);
    head.u32(address.value);
    head.u64(0);
    head.bytes(mac.octets);
    store_be(MutableBytes(out).subspan(236), std::uint32_t{0x63825363});
    put(out, 53, octets({static_cast<int>(kind)}));
    put(out, 54, number(server.value));
    if (kind != Kind::kNak) put(out, 51, number(lease));
    if (plain && kind != Kind::kNak) {
      put(out, 1, number(0xffffff00));
      put(out, 3, number(kServerAddress.value));
    }
    for (const auto& [code, data] : more) put(out, code, data);
    out.push_back(std::byte{255});
    return out;
  }
  static void put(Octets& out, int code, const Octets& data) {
    out.push_back(static_cast<std::byte>(code));
    out.push_back(static_cast<std::byte>(data.size()));
    out.insert(out.end(), data.begin(), data.end());
  }
};

}  // namespace fata::dhcp
