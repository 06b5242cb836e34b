// Echo requests (RFC 792, RFC 4443): reachability and round-trip time.
#pragma once

#include "fata/base/address.hpp"
#include "fata/base/result.hpp"
#include "fata/base/time.hpp"
#include "fata/sig/awaits.hpp"

namespace fata::sig {

struct EchoReply {
  // For a multicast request, the first responder.
  IpAddress source;
  Duration time;               // from request to reply
  std::uint8_t hop_limit = 0;  // in the reply as received
};

enum class EchoErrc : std::uint32_t {
  kNoRoute = 1,
  kTooLong,
  kNoBuffer,
  kUnreachable,  // the detail is the ICMP code
  kTimeExceeded,
  // The request exceeds the path MTU, which is known from now on: a retry may succeed.
  kTooBig,
  kParameterProblem,
  kUnsupported,
};
inline const ErrorDomain& error_domain(EchoErrc) noexcept {
  static constexpr ErrorDomain domain{"echo", [](std::uint32_t code) -> std::string_view {
                                        switch (static_cast<EchoErrc>(code)) {
                                          case EchoErrc::kNoRoute:
                                            return "no route to the host";
                                          case EchoErrc::kTooLong:
                                            return "the request is too long";
                                          case EchoErrc::kNoBuffer:
                                            return "no memory for the request";
                                          case EchoErrc::kUnreachable:
                                            return "the host is unreachable, code";
                                          case EchoErrc::kTimeExceeded:
                                            return "time exceeded on the way";
                                          case EchoErrc::kTooBig:
                                            return "too big for the path";
                                          case EchoErrc::kParameterProblem:
                                            return "parameter problem";
                                          case EchoErrc::kUnsupported:
                                            return "this stack sends no echo requests";
                                        }
                                        return "unknown";
                                      }};
  return domain;
}

template <class P>
concept Ping = requires(P& ping, const IpAddress& to, std::size_t size, async::Wait wait) {
  // Sends a request with `size` bytes of data and waits for its reply, for an ICMP error about it
  // (EchoErrc), or for the end of the wait (async::Errc). Several requests may be pending.
  { ping.echo(to, size, wait) } -> Awaits<Result<EchoReply>>;
};

namespace archetype {
struct Ping {
  Ready<Result<EchoReply>> echo(IpAddress, std::size_t, async::Wait) { return {}; }
};
}  // namespace archetype

// For a stack without echo requests.
class NoPing {
 public:
  async::Task<Result<EchoReply>> echo(IpAddress, std::size_t, async::Wait) {
    co_return fail(Error(EchoErrc::kUnsupported));
  }
};

}  // namespace fata::sig
