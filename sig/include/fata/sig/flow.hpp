// Flow: the byte-stream concept. Fata's TCP, the host's sockets, TLS, SSH channels, vchan and
// in-memory pairs model it; code above does not depend on the model.
//
//   read      returns the next bytes as a Slice; an empty slice is end-of-stream, and so is
//             every later read; a reset is an error
//   write     takes owned buffers and completes when all are accepted (backpressure)
//   shutdown  half-closes: the peer reads end-of-stream after the written data; reading continues
//   abort     resets at once; pending waits on both sides end with an error
//
// At most one read and one write may be pending. A cancelled or timed-out read loses no byte: a
// later read returns it. A cancelled write reports how much was accepted.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"
#include "fata/sig/awaits.hpp"

namespace fata::sig {

struct WriteOutcome {
  std::size_t accepted = 0;    // bytes, from the front; all if there is no error
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
  // The remote endpoint; constant for the flow's lifetime.
  { flow.peer() } -> std::same_as<Endpoint>;
  requires Listener<typename T::Listener>;
  // Every flow and listener must be destroyed before the Tcp.
  { tcp.listen(at, backlog) } -> std::same_as<Result<std::unique_ptr<typename T::Listener>>>;
  { tcp.connect(at, wait) } -> Awaits<Result<std::unique_ptr<typename T::Flow>>>;
  // A buffer for the caller to fill and freeze to a Slice; false if the pool is exhausted.
  { tcp.allocate() } -> std::same_as<PacketBuf>;
};

}  // namespace fata::sig
