// The archive that a hypervisor has loaded into the memory of an image: its initial ramdisk.
#pragma once

#include <concepts>

#include "fata/base/packet.hpp"

namespace fata::sig {

template <class B>
concept BootArchive = requires(B& source) {
  // Constant memory that exists as long as the image; empty if nothing was passed.
  { source.bytes() } -> std::same_as<Bytes>;
};

namespace archetype {
struct BootArchive {
  Bytes bytes() { return {}; }
};
}  // namespace archetype

}  // namespace fata::sig
