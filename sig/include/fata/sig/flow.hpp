// Flow: the one byte-stream concept. Own TCP, host sockets, TLS, SSH channels, vchan and in-memory
// pairs model it, and code above cannot tell which it has.
//
//   read      the next bytes as a Slice; an empty slice is end-of-stream, again and again; a reset
//             is an error
//   write     takes owned buffers and completes when all were accepted (backpressure)
//   shutdown  half-closes: the peer reads end-of-stream after what was written; reading goes on
//   abort     resets at once; both sides' waits end with an error
//
// One read and one write may be pending at a time. A cancelled or timed-out read loses no byte: a
// later one gives it. A cancelled write says how much was accepted.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"
#include "fata/sig/awaits.hpp"

namespace fata::sig {

struct WriteOutcome {
  std::size_t accepted = 0;    // bytes, from the front; all of them if there is no error
  std::optional<Error> error;  // async::Errc or the flow's own
};

enum class FlowErrc : std::uint32_t { kReset = 1, kClosedForWriting, kRefused, kUnreachable };
const ErrorDomain& error_domain(FlowErrc) noexcept;

template <class F>
concept Flow = requires(F& flow, std::span<Slice> out, async::Wait wait) {
  { flow.read(wait) } -> Awaits<Result<Slice>>;
  { flow.write(out, wait) } -> Awaits<WriteOutcome>;
  { flow.shutdown(wait) } -> Awaits<Result<void>>;
  { flow.abort() } -> std::same_as<void>;
};

template <class L>
concept Listener = requires(L& listener, async::Wait wait) {
  typename L::Flow;
  requires Flow<typename L::Flow>;
  { listener.local() } -> std::same_as<Endpoint>;
  { listener.accept(wait) } -> Awaits<Result<std::unique_ptr<typename L::Flow>>>;
};

template <class T>
concept Tcp = requires(T& tcp, Endpoint at, std::size_t backlog, async::Wait wait,
                       const typename T::Flow& flow) {
  typename T::Listener;
  requires Flow<typename T::Flow>;
  // Where the other end is; the same until the flow is gone.
  { flow.peer() } -> std::same_as<Endpoint>;
  requires Listener<typename T::Listener>;
  // Every flow and listener must be gone before the Tcp.
  { tcp.listen(at, backlog) } -> std::same_as<Result<std::unique_ptr<typename T::Listener>>>;
  { tcp.connect(at, wait) } -> Awaits<Result<std::unique_ptr<typename T::Flow>>>;
  // A buffer for writing, filled by the caller and frozen to a Slice; false if the pool is
  // exhausted.
  { tcp.allocate() } -> std::same_as<PacketBuf>;
};

}  // namespace fata::sig
