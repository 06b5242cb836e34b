// A DHCPv6 server as values: it reads a client's message and returns a reply, each part of which
// can be made wrong.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string_view>

#include "../server.hpp"
#include "fata/dhcp/v6/message.hpp"

namespace fata::dhcp::v6 {

inline const IpAddress kOurs6 = *IpAddress::parse("2001:db8::15");
inline const IpAddress kDns6 = *IpAddress::parse("2001:db8::53");
inline const Octets kOurDuid = octets({0, 3, 0, 1, 2, 0, 0, 0, 0, 1});

inline void put(Octets& out, unsigned code, const Octets& data) {
  for (const unsigned word : {code, static_cast<unsigned>(data.size())}) {
    out.push_back(static_cast<std::byte>(word >> 8));
    out.push_back(static_cast<std::byte>(word));
  }
  out.insert(out.end(), data.begin(), data.end());
}
inline void append(Octets& out, const Octets& more) {
  out.insert(out.end(), more.begin(), more.end());
}
inline Octets octets_of(const IpAddress& address) {
  return {address.octets().begin(), address.octets().end()};
}
// "a.b": the labels of an uncompressed name.
inline Octets labels(std::string_view name) {
  Octets out;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out.push_back(static_cast<std::byte>(label.size()));
    for (const char c : label) out.push_back(static_cast<std::byte>(c));
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  out.push_back(std::byte{});
  return out;
}

// A client's message.
struct Asked {
  Kind kind{};
  std::uint32_t xid = 0;
  std::map<unsigned, Octets> options;

  static Asked of(Bytes message) {
    ByteReader in(message);
    const std::uint32_t head = in.u32();
    Asked asked{.kind = static_cast<Kind>(head >> 24), .xid = head & 0xffffff, .options = {}};
    while (in.ok() && !in.at_end()) {
      const unsigned code = in.u16();
      const Bytes data = in.take(in.u16());
      asked.options[code] = Octets(data.begin(), data.end());
    }
    EXPECT_TRUE(in.ok()) << "the client's message is malformed";
    return asked;
  }
  bool has(unsigned code) const { return options.contains(code); }
  // The address in IA_NA.
  std::optional<IpAddress> address() const {
    const Bytes association = options.at(3);
    if (association.size() < 32) return std::nullopt;
    return IpAddress::of_octets(association.subspan(16, 16));
  }
};

struct Answer6 {
  Kind kind = Kind::kReply;
  std::uint32_t xid = 7;
  int server = 1;  // the last octet of its DUID
  Octets client = kOurDuid;
  std::optional<int> preference{};
  bool rapid = false;
  std::optional<int> status{};
  // The association; without an address if its lifetime is absent.
  bool association = true;
  std::uint32_t iaid = 1, renewal = 0, rebinding = 0;
  std::optional<int> association_status{};
  IpAddress address = kOurs6;
  std::optional<std::uint32_t> valid = 3600;
  std::optional<std::uint32_t> preferred{};  // else as `valid`
  std::vector<std::pair<unsigned, Octets>> more{};

  Octets bytes() const {
    Octets out = number(static_cast<std::uint32_t>(kind) << 24 | xid);
    if (!client.empty()) put(out, 1, client);
    if (server != 0) put(out, 2, octets({0, 2, 0, 0, server}));
    if (preference) put(out, 7, octets({*preference}));
    if (rapid) put(out, 14, {});
    if (status) put(out, 13, octets({0, *status}));
    if (association) {
      Octets body = number(iaid);
      append(body, number(renewal));
      append(body, number(rebinding));
      if (valid) {
        Octets inner = octets_of(address);
        append(inner, number(preferred.value_or(*valid)));
        append(inner, number(*valid));
        put(body, 5, inner);
      }
      if (association_status) put(body, 13, octets({0, *association_status}));
      put(out, 3, body);
    }
    for (const auto& [code, data] : more) put(out, code, data);
    return out;
  }
};

}  // namespace fata::dhcp::v6
