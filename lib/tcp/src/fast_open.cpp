#include "fata/tcp/fast_open.hpp"

#include <algorithm>

namespace fata::tcp {
namespace {

std::array<std::byte, 8> hash_of(const SipKey& secret, const IpAddress& local,
                                 const IpAddress& client) {
  const Bytes here(local.octets());
  const Bytes there(client.octets());
  const std::array<std::uint64_t, 4> words{
      load_le<std::uint64_t>(here), load_le<std::uint64_t>(here.subspan(8)),
      load_le<std::uint64_t>(there), load_le<std::uint64_t>(there.subspan(8))};
  std::array<std::byte, 8> octets;
  store_le(MutableBytes(octets), siphash(secret, words));
  return octets;
}

}  // namespace

std::optional<FastOpenCookie> FastOpenCookie::of(Bytes bytes) {
  const std::size_t size = bytes.size();
  if (size != 0 && (size < kMin || size > kMax || size % 2 != 0)) return std::nullopt;
  FastOpenCookie cookie;
  cookie.size_ = static_cast<std::uint8_t>(copy_bytes(cookie.octets_, bytes));
  return cookie;
}

FastOpenCookie FastOpenServer::make(const IpAddress& local, const IpAddress& client) const {
  return *FastOpenCookie::of(hash_of(current_, local, client));
}

bool FastOpenServer::valid(const FastOpenCookie& cookie, const IpAddress& local,
                           const IpAddress& client) const {
  return equal_bytes(cookie.bytes(), hash_of(current_, local, client)) ||
         equal_bytes(cookie.bytes(), hash_of(previous_, local, client));
}

FastOpenCache::Entry* FastOpenCache::entry(const Endpoint& server) {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.used != Instant{} && entry.server == server;
  });
  return found == entries_.end() ? nullptr : &*found;
}

FastOpenCache::Entry& FastOpenCache::make(const Endpoint& server, Instant now) {
  Entry* known = entry(server);
  if (known == nullptr) {
    known = &*std::ranges::min_element(entries_, {}, &Entry::used);
    *known = {};
    known->server = server;
  }
  known->used = std::max(now, Instant{1});
  return *known;
}

std::optional<FastOpenCache::Known> FastOpenCache::find(const Endpoint& server, Instant now) {
  Entry* known = entry(server);
  if (known == nullptr) return Known{};
  if (now < known->not_before) return std::nullopt;
  known->used = std::max(now, Instant{1});
  return Known{known->cookie, known->mss};
}

void FastOpenCache::learn(const Endpoint& server, const FastOpenCookie& cookie, std::uint16_t mss,
                          Instant now) {
  Entry& known = make(server, now);
  known.cookie = cookie;
  known.mss = mss;
}

void FastOpenCache::failed(const Endpoint& server, Instant now) {
  Entry& known = make(server, now);
  known.cookie = {};
  known.not_before = now + kRetryAfter;
}

}  // namespace fata::tcp
