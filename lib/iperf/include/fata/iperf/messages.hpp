// The messages of iperf3's control connection: a cookie, state bytes, and two JSON texts, each
// preceded by its length in four bytes.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "fata/base/bytes.hpp"
#include "fata/base/result.hpp"
#include "fata/base/text.hpp"

namespace fata::iperf {

inline constexpr std::uint16_t kPort = 5201;
// 36 characters and a zero, sent first on each connection of a test.
inline constexpr std::size_t kCookieSize = 37;
using Cookie = std::array<std::byte, kCookieSize>;
Cookie make_cookie(Bytes random);  // from 36 random bytes

inline constexpr std::size_t kMaxStreams = 128;     // per direction
inline constexpr std::size_t kMaxLength = 1 << 20;  // of a TCP block
inline constexpr std::size_t kMaxDatagram = 65507;
inline constexpr std::size_t kMaxParameters = 8192;  // bytes of JSON
inline constexpr std::size_t kMaxResults = 128 << 10;

enum class State : std::uint8_t {
  kTestStart = 1,
  kTestRunning = 2,
  kTestEnd = 4,
  kParameters = 9,
  kCreateStreams = 10,
  kServerTerminate = 11,
  kClientTerminate = 12,
  kExchangeResults = 13,
  kDisplayResults = 14,
  kDone = 16,
  kServerError = 0xfe,   // followed by two numbers: an error code and an errno
  kAccessDenied = 0xff,  // busy
};

enum class Errc : std::uint32_t {
  kPeerClosed = 1,
  kPeerStopped,
  kBusy,
  kServerError,  // detail: the peer's error code
  kBadParameters,
  kBadResults,
  kBadState,  // detail: the unexpected state byte
  kTooLong,   // detail: the announced length of a JSON text
  kTooManyStreams,
  kUnsupported,
  kTimedOut,  // the peer did not take its next step in time
  kNoMemory,
  kStreamFailed,
};
const ErrorDomain& error_domain(Errc) noexcept;

// The maximum duration of a test in seconds, as in iperf3; it also bounds a server's sending.
inline constexpr std::uint32_t kMaxSeconds = 86400;

// The client's parameters.
struct Parameters {
  bool udp = false;
  bool reverse = false;        // the server sends
  bool bidirectional = false;  // both sides send
  bool no_delay = false;
  bool counters_64bit = false;  // in datagrams
  std::uint32_t omit = 0;       // seconds before the measured time
  std::uint32_t time = 10;      // seconds; 0: until `bytes` or `blocks` are reached
  std::uint64_t bytes = 0;      // of all streams in one direction; 0: no limit
  std::uint64_t blocks = 0;     // the same in blocks of `length`
  std::uint32_t parallel = 1;   // streams per direction
  std::uint32_t length = 0;     // bytes of a block or datagram
  std::uint64_t rate = 0;       // bits per second of each stream; 0: unlimited
  std::uint32_t burst = 0;      // datagrams or blocks sent at once

  std::size_t streams() const { return std::size_t{parallel} * (bidirectional ? 2 : 1); }
  // True if the server sends on the stream with this index, in order of opening.
  bool server_sends(std::size_t stream) const { return stream < parallel ? reverse : true; }
};
void write_json(TextWriter& out, const Parameters& parameters);
Result<Parameters> parse_parameters(std::string_view json);

// The ID of a stream in the results: 1, 3, 4, 5, ...
constexpr unsigned stream_id(std::size_t stream) {
  return static_cast<unsigned>(stream == 0 ? 1 : stream + 2);
}

struct StreamResult {
  unsigned id = 0;
  std::uint64_t bytes = 0;
  std::int64_t retransmits = -1;  // -1: unknown
  Duration jitter{};
  std::uint64_t errors = 0;   // datagrams lost
  std::uint64_t packets = 0;  // datagrams sent, or the highest number received
  Duration start{}, end{};
};

struct Results {
  // Share of time in which the sender of these results was not idle.
  std::uint32_t cpu_permille = 0;
  bool has_retransmits = false;
  std::vector<StreamResult> streams{};

  const StreamResult* find(unsigned id) const;
};
void write_json(TextWriter& out, const Results& results);
Result<Results> parse_results(std::string_view json);
// Upper bound on the characters that write_json() writes for that many streams.
constexpr std::size_t results_size(std::size_t streams) { return 256 + streams * 320; }

}  // namespace fata::iperf
