// Connects to a host by name.
#pragma once

#include <memory>
#include <string_view>

#include "fata/sig/flow.hpp"
#include "fata/sig/records.hpp"

namespace fata::sig {

template <class C>
concept Connector = requires(C& connector, std::string_view host, std::uint16_t port,
                             std::span<const std::string_view> alpn, async::Wait wait) {
  typename C::Flow;
  requires Flow<typename C::Flow>;
  // Connects to a host name or an address in text, never a null flow. `alpn`: the caller's
  // protocols, most preferred first, for a secure transport. The views must be valid until the call
  // returns. An error is the resolver's, the transport's or the end of the wait. Every flow must be
  // destroyed before the connector.
  {
    connector.connect(host, port, wait, alpn)
  } -> Awaits<Result<std::unique_ptr<typename C::Flow>>>;
};

namespace archetype {
struct Connector {
  using Flow = FlowBetween<Endpoint>;
  Ready<Result<std::unique_ptr<Flow>>> connect(std::string_view, std::uint16_t, async::Wait,
                                               std::span<const std::string_view> = {}) {
    return {};
  }
};
}  // namespace archetype

}  // namespace fata::sig
