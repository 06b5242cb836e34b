// The network stack as the parts see it that attach to it: IP families, transports, addresses, DHCP
// clients, routes, reports (StackPort) and the drivers of NICs (LinkPort). A part registers its
// engine with the host, and sees nothing else of the stack. It outlives neither the stack nor the
// host.
#pragma once

#include <concepts>
#include <cstddef>

#include "fata/async/loop.hpp"
#include "fata/async/wait.hpp"
#include "fata/base/log.hpp"
#include "fata/base/result.hpp"
#include "fata/base/siphash.hpp"
#include "fata/sig/frame.hpp"

namespace fata::sig {

template <class S>
concept StackPort = requires(S& stack, const S& fixed, typename S::Part& part) {
  // The engine with which families and transports register; it has the timer of all of them.
  typename S::Host;
  { stack.host() } -> std::same_as<typename S::Host&>;
  // What sockets and flows need: the loop and its time, flush(), which also sets the timer, and
  // room().
  typename S::Driver;
  requires std::derived_from<S, typename S::Driver>;
  { fixed.loop() } -> std::same_as<async::Loop&>;
  { fixed.now() } -> std::same_as<Instant>;
  { stack.flush() } -> std::same_as<void>;
  { stack.room() } -> std::same_as<async::WaitQueue&>;
  // Parts with name servers, counters and lines for reports.
  { stack.add(part) } -> std::same_as<void>;
  { stack.remove(part) } -> std::same_as<void>;
  { fixed.parts() } -> std::same_as<const typename S::Part*>;
  // All secrets derive from this one; the host passes a new one on after a restore.
  { fixed.secret() } -> std::same_as<const SipKey&>;
  { fixed.memory() } -> std::same_as<std::size_t>;  // bytes of the image
  { fixed.log() } -> std::same_as<const Logger&>;
};

// A stack as the driver of a NIC sees it.
template <class S>
concept LinkPort =
    StackPort<S> &&
    requires(S& stack, typename S::Interface& interface, const typename S::LinkConfig& config,
             typename S::PacketSink& sink, RxFrame& frame, const Error& error) {
      // An interface of the host whose frames go to the sink. There is room for it: a plan with too
      // many NICs is refused.
      { stack.add(config, sink) } -> std::same_as<typename S::Interface&>;
      // Copies a received frame into memory of the stack, so that the device gets its buffers back;
      // false if no memory is left.
      { stack.copy(interface, frame) } -> std::same_as<bool>;
      // The device has room again: resumes whatever waits to send.
      { stack.resume() } -> std::same_as<void>;
      // The device has failed for good.
      { stack.lost(interface, error) } -> std::same_as<void>;
    };

namespace archetype {
template <class H, class D, class P>
struct StackPort : D {
  using Host = H;
  using Driver = D;
  using Part = P;
  Host& host() { return engine; }
  async::Loop& loop() const { return *at; }
  Instant now() const { return {}; }
  void flush() {}
  async::WaitQueue& room() { return queue; }
  void add(Part&) {}
  void remove(Part&) {}
  const Part* parts() const { return nullptr; }
  const SipKey& secret() const { return key; }
  std::size_t memory() const { return 0; }
  const Logger& log() const { return logger; }

  async::Loop* at;
  Host engine;
  async::WaitQueue queue;
  SipKey key;
  Logger logger;
};

template <class H, class D, class P, class I, class C, class K>
struct LinkPort : StackPort<H, D, P> {
  using Interface = I;
  using LinkConfig = C;
  using PacketSink = K;
  using StackPort<H, D, P>::add;
  Interface& add(const LinkConfig&, PacketSink&) { return *interface; }
  bool copy(Interface&, RxFrame&) { return true; }
  void resume() {}
  void lost(Interface&, const Error&) {}

  Interface* interface;
};
}  // namespace archetype

}  // namespace fata::sig
