// ICMPv6 messages (RFC 4443).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fata::wire::icmp6 {

inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::uint8_t kUnreachable = 1;
inline constexpr std::uint8_t kTooBig = 2;
inline constexpr std::uint8_t kTimeExceeded = 3;
inline constexpr std::uint8_t kParameterProblem = 4;
inline constexpr std::uint8_t kEcho = 128;
inline constexpr std::uint8_t kEchoReply = 129;
inline constexpr std::uint8_t kListenerQuery = 130;
inline constexpr std::uint8_t kListenerReport = 131;
inline constexpr std::uint8_t kListenerDone = 132;
inline constexpr std::uint8_t kListenerReport2 = 143;
inline constexpr std::uint8_t kCodePort = 4;        // of kUnreachable
inline constexpr std::uint8_t kCodeReassembly = 1;  // of kTimeExceeded

}  // namespace fata::wire::icmp6
