// Flow, the byte-stream concept, and StreamTransport, which makes flows. Fata's TCP, the host's
// sockets, TLS, SSH channels, vchan and in-memory pairs model Flow; code above does not depend on
// the model.
//
//   read      returns the next bytes as a Slice; an empty slice is end-of-stream, and so is
//             every later read; a reset is an error
//   write     takes owned buffers and completes when all are accepted (backpressure)
//   shutdown  half-closes: the peer reads end-of-stream after the written data; reading continues
//   abort     resets at once; pending waits on both sides end with an error
//   allocate  returns an empty packet to fill and write: headroom() is at least `headroom` and
//             tailroom() at least `tailroom`. It is false if buffers are exhausted or none is that
//             large; a TCP has buffers for 4,096 bytes in total
//   local,    the addresses of both ends, constant for the flow's lifetime; a default-constructed
//   peer      address where there is none
//   session   what a secure channel has agreed; empty where there is none
//
// A layer over a flow adds its own needs when it forwards allocate(): TLS asks for the room of its
// record header and tag in addition, and then encrypts in place. A caller that fills more than the
// tailroom that it asked for uses the room of the layers below, which then need another buffer.
//
// At most one read and one write may be pending. A cancelled or timed-out read loses no byte: a
// later read returns it. A cancelled write reports how much was accepted.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"
#include "fata/sig/awaits.hpp"
#include "fata/sig/flow_error.hpp"

namespace fata::sig {

struct WriteOutcome {
  std::size_t accepted = 0;    // bytes, from the front; all if there is no error
  std::optional<Error> error;  // async::Errc or the flow's own
};

// The result of a secure channel's handshake. The views are valid as long as the flow.
struct Session {
  std::string_view alpn;         // the protocol that both ends agreed on (RFC 7301)
  std::string_view server_name;  // the name that the client asked for (SNI, RFC 6066 section 3)
  Bytes peer_certificate;        // of the peer itself, in DER, once it has been verified

  bool empty() const { return alpn.empty() && server_name.empty() && peer_certificate.empty(); }
};

template <class F>
concept Flow = requires(F& flow, const F& fixed, std::span<Slice> out, async::Wait wait,
                        std::size_t headroom, std::size_t tailroom) {
  // An Endpoint for TCP; others have addresses of their own.
  typename F::Address;
  requires std::regular<typename F::Address>;
  { flow.read(wait) } -> Awaits<Result<Slice>>;
  { flow.write(out, wait) } -> Awaits<WriteOutcome>;
  { flow.shutdown(wait) } -> Awaits<Result<void>>;
  { flow.abort() } -> std::same_as<void>;
  { flow.allocate(headroom, tailroom) } -> std::same_as<PacketBuf>;
  { fixed.local() } -> std::same_as<typename F::Address>;
  { fixed.peer() } -> std::same_as<typename F::Address>;
  { fixed.session() } -> std::same_as<Session>;
};

template <class L>
concept Listener = requires(L& listener, async::Wait wait) {
  typename L::Flow;
  requires Flow<typename L::Flow>;
  { listener.local() } -> std::same_as<typename L::Flow::Address>;
  { listener.accept(wait) } -> Awaits<Result<std::unique_ptr<typename L::Flow>>>;
};

// What connect() connects to. The views must be valid until connect() returns a flow or an error.
template <class A>
struct Target {
  // Implicit, because an address is all that most callers have.
  Target(A address, std::string_view name = {}, std::span<const std::string_view> alpn = {})
      : address(std::move(address)), name(name), alpn(alpn) {}

  A address;
  // The name that was resolved to the address. A secure transport sends it (SNI) and checks the
  // peer's certificate against it: without a name, it connects only if it checks none.
  std::string_view name;
  // The caller's protocols, most preferred first (ALPN, RFC 7301); Session::alpn is the result.
  std::span<const std::string_view> alpn;
};

// What listens and connects: TCP, TLS, vchan, vsock and SSH channels. TCP ignores a target's name
// and protocols.
template <class T>
concept StreamTransport =
    requires(T& transport, typename T::Address at, Target<typename T::Address> to,
             std::size_t backlog, async::Wait wait) {
      typename T::Flow;
      requires Flow<typename T::Flow>;
      requires std::same_as<typename T::Flow::Address, typename T::Address>;
      typename T::Listener;
      requires Listener<typename T::Listener>;
      requires std::same_as<typename T::Listener::Flow, typename T::Flow>;
      // Every flow and listener must be destroyed before the transport.
      {
        transport.listen(at, backlog)
      } -> std::same_as<Result<std::unique_ptr<typename T::Listener>>>;
      { transport.connect(to, wait) } -> Awaits<Result<std::unique_ptr<typename T::Flow>>>;
    };

// A StreamTransport between IP endpoints: TCP itself, and a secure transport over it.
template <class T>
concept Tcp = StreamTransport<T> && std::same_as<typename T::Address, Endpoint>;

namespace archetype {
// An address of no known family.
struct Address {
  friend bool operator==(const Address&, const Address&) = default;
};
template <class A>
struct FlowBetween {
  using Address = A;
  Ready<Result<Slice>> read(async::Wait) { return {}; }
  Ready<WriteOutcome> write(std::span<Slice>, async::Wait) { return {}; }
  Ready<Result<void>> shutdown(async::Wait) { return {}; }
  void abort() {}
  PacketBuf allocate(std::size_t, std::size_t) { return {}; }
  A local() const { return {}; }
  A peer() const { return {}; }
  Session session() const { return {}; }
};
template <class A>
struct ListenerAt {
  using Flow = FlowBetween<A>;
  A local() { return {}; }
  Ready<Result<std::unique_ptr<Flow>>> accept(async::Wait) { return {}; }
};
template <class A>
struct TransportBetween {
  using Address = A;
  using Flow = FlowBetween<A>;
  using Listener = ListenerAt<A>;
  Result<std::unique_ptr<Listener>> listen(A, std::size_t) {
    return fail(Error(async::Errc::kClosed));
  }
  Ready<Result<std::unique_ptr<Flow>>> connect(Target<A>, async::Wait) { return {}; }
};
using Flow = FlowBetween<Address>;
using Listener = ListenerAt<Address>;
using StreamTransport = TransportBetween<Address>;
using Tcp = TransportBetween<Endpoint>;
}  // namespace archetype

// Stands in for a missing TCP: listen and connect fail with a clear error.
enum class NoTcpErrc : std::uint32_t { kNoTcp = 1 };
const ErrorDomain& error_domain(NoTcpErrc) noexcept;

class NoTcp {
 public:
  using Address = Endpoint;
  // Never instantiated: connect() and accept() always fail.
  class Flow {
   public:
    using Address = Endpoint;
    async::Task<Result<Slice>> read(async::Wait) { co_return fail(Error(NoTcpErrc::kNoTcp)); }
    async::Task<WriteOutcome> write(std::span<Slice>, async::Wait) {
      co_return WriteOutcome{0, NoTcpErrc::kNoTcp};
    }
    async::Task<Result<void>> shutdown(async::Wait) { co_return fail(Error(NoTcpErrc::kNoTcp)); }
    void abort() {}
    PacketBuf allocate(std::size_t, std::size_t) { return {}; }
    Endpoint local() const { return {}; }
    Endpoint peer() const { return {}; }
    Session session() const { return {}; }
  };
  class Listener {
   public:
    using Flow = NoTcp::Flow;
    Endpoint local() { return {}; }
    async::Task<Result<std::unique_ptr<Flow>>> accept(async::Wait) {
      co_return fail(Error(NoTcpErrc::kNoTcp));
    }
  };

  Result<std::unique_ptr<Listener>> listen(Endpoint, std::size_t) {
    return fail(Error(NoTcpErrc::kNoTcp));
  }
  async::Task<Result<std::unique_ptr<Flow>>> connect(Target<Endpoint>, async::Wait) {
    co_return fail(Error(NoTcpErrc::kNoTcp));
  }
};
static_assert(Tcp<NoTcp>);

}  // namespace fata::sig
