// The destination of a packet capture.
#pragma once

#include <concepts>

#include "fata/base/bytes.hpp"

namespace fata::sig {

// `write` receives whole blocks, does not block, and drops and counts the blocks that it cannot
// store.
template <class S>
concept CaptureSink = requires(S& sink, Bytes block) {
  { sink.enabled() } -> std::same_as<bool>;  // fixed at construction
  { sink.write(block) } -> std::same_as<void>;
};

namespace archetype {
struct CaptureSink {
  bool enabled() { return false; }
  void write(Bytes) {}
};
}  // namespace archetype

}  // namespace fata::sig
