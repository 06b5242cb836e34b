// What the two ends of iperf3's protocol tell each other on the control connection: a cookie, state
// bytes, and two JSON texts, each behind its length in four bytes.
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
Cookie make_cookie(Bytes random);  // 36 bytes of it

inline constexpr std::size_t kMostStreams = 128;     // each way
inline constexpr std::size_t kMostLength = 1 << 20;  // of a block of TCP
inline constexpr std::size_t kMostDatagram = 65507;
inline constexpr std::size_t kMostParameters = 8192;  // bytes of their JSON
inline constexpr std::size_t kMostResults = 128 << 10;

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
  kServerError = 0xfe,   // and then two numbers: which, and an errno
  kAccessDenied = 0xff,  // busy
};

enum class Errc : std::uint32_t {
  kPeerClosed = 1,
  kPeerStopped,
  kBusy,
  kServerError,  // detail: the peer's number for it
  kBadParameters,
  kBadResults,
  kBadState,  // detail: the state byte that cannot come now
  kTooLong,   // detail: how long a JSON text was said to be
  kTooManyStreams,
  kUnsupported,
  kTimedOut,  // the peer did not do its part
  kNoMemory,
  kStreamFailed,
};
const ErrorDomain& error_domain(Errc) noexcept;

// The most seconds of a test, as in iperf3: a server sends to nobody for longer.
inline constexpr std::uint32_t kMostSeconds = 86400;

// What a client asks for.
struct Parameters {
  bool udp = false;
  bool reverse = false;        // the server sends
  bool bidirectional = false;  // both do
  bool no_delay = false;
  bool counters_64bit = false;  // in datagrams
  std::uint32_t omit = 0;       // seconds before the measured time
  std::uint32_t time = 10;      // seconds; 0: until `bytes` or `blocks` are there
  std::uint64_t bytes = 0;      // of all streams one way; 0: no end
  std::uint64_t blocks = 0;     // the same in blocks of `length`
  std::uint32_t parallel = 1;   // streams one way
  std::uint32_t length = 0;     // bytes of a block or datagram
  std::uint64_t rate = 0;       // bits a second of each stream; 0: as fast as it goes
  std::uint32_t burst = 0;      // datagrams or blocks that go in one go

  std::size_t streams() const { return std::size_t{parallel} * (bidirectional ? 2 : 1); }
  // Whether the server sends on the stream that was opened so many streams after the first.
  bool server_sends(std::size_t stream) const { return stream < parallel ? reverse : true; }
};
void write_json(TextWriter& out, const Parameters& parameters);
Result<Parameters> parse_parameters(std::string_view json);

// The number of a stream in the results: 1, 3, 4, 5, ...
constexpr unsigned stream_id(std::size_t stream) {
  return static_cast<unsigned>(stream == 0 ? 1 : stream + 2);
}

struct StreamResult {
  unsigned id = 0;
  std::uint64_t bytes = 0;
  std::int64_t retransmits = -1;  // unknown
  Duration jitter{};
  std::uint64_t errors = 0;   // datagrams lost
  std::uint64_t packets = 0;  // datagrams sent, or the highest number received
  Duration start{}, end{};
};

struct Results {
  std::uint32_t cpu_permille = 0;  // of the time the sender of these results was not idle
  bool has_retransmits = false;
  std::vector<StreamResult> streams{};

  const StreamResult* find(unsigned id) const;
};
void write_json(TextWriter& out, const Results& results);
Result<Results> parse_results(std::string_view json);
// Characters that write_json() may need for so many streams.
constexpr std::size_t results_size(std::size_t streams) { return 256 + streams * 320; }

}  // namespace fata::iperf
