// TCP Fast Open (RFC 7413): cookies that let a known client send data in its SYN.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/siphash.hpp"
#include "fata/base/time.hpp"

namespace fata::tcp {

// 4 to 16 bytes (even), as in the option; empty in a request.
class FastOpenCookie {
 public:
  static constexpr std::size_t kMin = 4;
  static constexpr std::size_t kMax = 16;

  FastOpenCookie() = default;
  // Returns nothing for a length that RFC 7413 section 4.1.1 forbids; an empty cookie is a request.
  static std::optional<FastOpenCookie> of(Bytes bytes);

  bool is_request() const { return size_ == 0; }
  Bytes bytes() const { return Bytes(octets_).first(size_); }
  friend bool operator==(const FastOpenCookie& a, const FastOpenCookie& b) {
    return equal_bytes(a.bytes(), b.bytes());
  }

 private:
  std::array<std::byte, kMax> octets_{};
  std::uint8_t size_ = 0;
};

// The server side. A cookie is a hash of the client's address, so the server keeps no state. A
// valid cookie proves that its owner has received a packet at that address.
class FastOpenServer {
 public:
  explicit FastOpenServer(const SipKey& secret) : current_(secret), previous_(secret) {}
  // Replaces the secret periodically (RFC 7413 section 5.1 suggests minutes to hours); cookies of
  // the previous secret stay valid.
  void renew(const SipKey& secret) { previous_ = current_, current_ = secret; }

  // `local` is part of the hash: a cookie for one address of a server is invalid for another.
  FastOpenCookie make(const IpAddress& local, const IpAddress& client) const;
  bool valid(const FastOpenCookie& cookie, const IpAddress& local, const IpAddress& client) const;

 private:
  SipKey current_;
  SipKey previous_;
};

// The client side: cookies from servers, and servers to which SYNs with data fail. Bounded: a new
// entry replaces the least recently used.
class FastOpenCache {
 public:
  static constexpr std::size_t kEntries = 16;
  // Delay before a failed server is tried again.
  static constexpr Duration kRetryAfter = seconds(3600);

  struct Known {
    FastOpenCookie cookie;  // a request if there is none yet
    std::uint16_t mss = 0;  // the server's MSS when it sent the cookie; 0 if unknown
  };
  // The cookie for a SYN to `server`; nothing if Fast Open failed with it recently.
  std::optional<Known> find(const Endpoint& server, Instant now);
  void learn(const Endpoint& server, const FastOpenCookie& cookie, std::uint16_t mss, Instant now);
  // A SYN with the option or data was lost while one without succeeded, or was answered by a reset:
  // disables Fast Open for a while (RFC 7413 section 4.1.3).
  void failed(const Endpoint& server, Instant now);

 private:
  struct Entry {
    Endpoint server;
    FastOpenCookie cookie;
    std::uint16_t mss = 0;
    Instant used{};        // 0: an empty entry
    Instant not_before{};  // end of a failure's delay
  };
  Entry* entry(const Endpoint& server);
  Entry& make(const Endpoint& server, Instant now);

  std::array<Entry, kEntries> entries_{};
};

}  // namespace fata::tcp
