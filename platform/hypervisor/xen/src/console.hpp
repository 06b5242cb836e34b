// The paravirtual console: a 2 KiB ring to the host with a buffer in front, and a 1 KiB ring back.
#pragma once

#include <string_view>

#include "abi.hpp"
#include "fata/bus/xen.hpp"
#include "fata/kernel/console_buffer.hpp"

namespace fata::xen {

using namespace bus::xen;

class Console {
 public:
  // Maps the ring. Without a ring, output is discarded.
  void start();
  void write(std::string_view text) { buffer_.write(text); }
  bool is_empty() const { return buffer_.is_empty(); }
  // Moves as much as fits into the ring, and notifies the host.
  void drain();
  // Waits until the host has read everything, or about ten seconds have passed.
  void flush();
  // True if Ctrl-C or Ctrl-D was typed.
  bool poll_stop();
  Port port() const { return port_; }

 private:
  kernel::ConsoleBuffer buffer_;
  xencons_interface* ring_ = nullptr;
  Port port_ = 0;
  bool look_ = false;  // poll for input that arrived earlier
};

// Writes directly to the ring, bypassing the buffer, and waits (bounded) for room; also before
// start().
void emergency_write(std::string_view text) noexcept;

}  // namespace fata::xen
