// TCP Fast Open (RFC 7413): cookies that let a known client send data in its SYN.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/siphash.hpp"
#include "fata/base/time.hpp"

namespace fata::net::tcp {

// 4 to 16 bytes (even), as the option holds them; empty in a request.
class FastOpenCookie {
 public:
  static constexpr std::size_t kLeast = 4;
  static constexpr std::size_t kMost = 16;

  FastOpenCookie() = default;
  // Nothing for a length that RFC 7413 section 4.1.1 does not allow; the empty one is a request.
  static std::optional<FastOpenCookie> of(Bytes bytes);

  bool is_request() const { return size_ == 0; }
  Bytes bytes() const { return Bytes(octets_).first(size_); }
  friend bool operator==(const FastOpenCookie& a, const FastOpenCookie& b) {
    return equal_bytes(a.bytes(), b.bytes());
  }

 private:
  std::array<std::byte, kMost> octets_{};
  std::uint8_t size_ = 0;
};

// The server's side: a cookie is a hash of the client's address, so that nothing is kept. Whoever
// has one has received a packet at that address.
class FastOpenServer {
 public:
  explicit FastOpenServer(const SipKey& secret) : current_(secret), previous_(secret) {}
  // A new secret, now and then (RFC 7413 section 5.1 says minutes to hours); cookies of the one
  // before stay valid.
  void renew(const SipKey& secret) { previous_ = current_, current_ = secret; }

  // `local` too is hashed: a cookie of one address of a server is none for another.
  FastOpenCookie make(const IpAddress& local, const IpAddress& client) const;
  bool valid(const FastOpenCookie& cookie, const IpAddress& local, const IpAddress& client) const;

 private:
  SipKey current_;
  SipKey previous_;
};

// The client's side: what servers gave, and which ones swallow SYNs with data. Bounded: the entry
// not used for longest goes.
class FastOpenCache {
 public:
  static constexpr std::size_t kEntries = 16;
  // When a server that failed is tried again.
  static constexpr Duration kRetryAfter = seconds(3600);

  struct Known {
    FastOpenCookie cookie;  // a request if there is none yet
    std::uint16_t mss = 0;  // of the server, when it gave the cookie; 0 if none
  };
  // What to put in a SYN to `server`; nothing if Fast Open failed with it of late.
  std::optional<Known> find(const Endpoint& server, Instant now);
  void learn(const Endpoint& server, const FastOpenCookie& cookie, std::uint16_t mss, Instant now);
  // A SYN with the option or data was lost where one without got through, or was answered by a
  // reset: no Fast Open for a while (RFC 7413 section 4.1.3).
  void failed(const Endpoint& server, Instant now);

 private:
  struct Entry {
    Endpoint server;
    FastOpenCookie cookie;
    std::uint16_t mss = 0;
    Instant used{};        // 0: an empty entry
    Instant not_before{};  // a failure's end
  };
  Entry* entry(const Endpoint& server);
  Entry& make(const Endpoint& server, Instant now);

  std::array<Entry, kEntries> entries_{};
};

}  // namespace fata::net::tcp
