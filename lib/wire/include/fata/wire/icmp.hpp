// ICMP for IPv4 (RFC 792).
#pragma once

#include <optional>

#include "fata/base/bytes.hpp"

namespace fata::wire::icmp {

inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::uint8_t kEchoReply = 0;
inline constexpr std::uint8_t kUnreachable = 3;
inline constexpr std::uint8_t kEcho = 8;
inline constexpr std::uint8_t kTimeExceeded = 11;
inline constexpr std::uint8_t kParameterProblem = 12;
inline constexpr std::uint8_t kCodeProtocol = 2;
inline constexpr std::uint8_t kCodePort = 3;
inline constexpr std::uint8_t kCodeTooBig = 4;      // fragmentation needed and DF set
inline constexpr std::uint8_t kCodeReassembly = 1;  // of kTimeExceeded

struct Header {
  std::uint8_t type = 0;
  std::uint8_t code = 0;

  // Checks the length and checksum of a whole ICMP message.
  static std::optional<Header> parse(Bytes message);
};

// Turns a valid echo request into its reply in place, and updates the checksum without reading the
// data (RFC 1624).
void make_echo_reply(MutableBytes message);

// Writes an error that quotes `quoted`: the offending packet's header and at least 8 bytes more
// (RFC 1122 section 3.2.2). `to` holds kHeaderSize + quoted.size() bytes.
void write_error(MutableBytes to, std::uint8_t type, std::uint8_t code, Bytes quoted);

}  // namespace fata::wire::icmp
