#include "fata/dns/cookie.hpp"

namespace fata::dns {

namespace {
// A server cookie follows the client's: version, three reserved octets, time, hash.
constexpr std::size_t kTimeAt = 12, kHashAt = 16;
constexpr std::byte kVersion{1};
// Seconds (RFC 9018 section 4.3).
constexpr std::int32_t kLifetime = 3600, kFuture = 300, kRenewedAfter = 1800;
}  // namespace

void ServerCookies::renew(std::span<const std::byte, 16> secret) {
  previous_ = current_;
  current_ = SipKey::of(secret);
}

void ServerCookies::replace(std::span<const std::byte, 16> secret) {
  previous_ = current_ = SipKey::of(secret);
}

// Hashes everything before the hash field, then the address: 4 octets of IPv4, 16 of IPv6.
std::uint64_t ServerCookies::hash(const SipKey& secret, Bytes signed_octets,
                                  const IpAddress& client) {
  std::array<std::byte, kHashAt + 16> text;
  const Bytes address = client.is_v4() ? Bytes(client.octets()).last(4) : Bytes(client.octets());
  copy_bytes(text, signed_octets.first(kHashAt));
  copy_bytes(MutableBytes(text).subspan(kHashAt), address);
  return siphash(secret, Bytes(text).first(kHashAt + address.size()));
}

bool ServerCookies::check(Bytes sent, const IpAddress& client, std::uint32_t now,
                          Cookie& reply) const {
  bool valid = false, fresh = false;
  if (sent.size() == kCookieSize && sent[kClientCookieSize] == kVersion) {
    // Serial number arithmetic (RFC 1982): the time may wrap around.
    const auto age = static_cast<std::int32_t>(now - load_be<std::uint32_t>(sent.subspan(kTimeAt)));
    const auto given = load_le<std::uint64_t>(sent.subspan(kHashAt));
    if (age <= kLifetime && age >= -kFuture) {
      const bool current = given == hash(current_, sent, client);
      valid = current || given == hash(previous_, sent, client);
      fresh = current && age <= kRenewedAfter;
    }
  }
  if (fresh) {
    copy_bytes(reply, sent);
    return true;
  }
  reply = {};
  copy_bytes(reply, sent.first(kClientCookieSize));
  reply[kClientCookieSize] = kVersion;
  store_be(MutableBytes(reply).subspan(kTimeAt), now);
  store_le(MutableBytes(reply).subspan(kHashAt), hash(current_, reply, client));
  return valid;
}

}  // namespace fata::dns
