// The paravirtual console: a ring of 2 KiB to the host behind a buffer, and one of 1 KiB back.
#pragma once

#include <string_view>

#include "abi.hpp"
#include "fata/guest/console_buffer.hpp"
#include "fata/xen/events.hpp"

namespace fata::xen {

class Console {
 public:
  // Maps the ring. Without one what is written goes nowhere.
  void start();
  void write(std::string_view text) { buffer_.write(text); }
  bool is_empty() const { return buffer_.is_empty(); }
  // Moves what fits into the ring, and notifies.
  void drain();
  // Until the host has taken all, or about a second has passed.
  void flush();
  // True if an end was typed: Ctrl-C or Ctrl-D.
  bool poll_stop();
  Port port() const { return port_; }

 private:
  guest::ConsoleBuffer buffer_;
  xencons_interface* ring_ = nullptr;
  Port port_ = 0;
  bool look_ = false;  // for what was typed before
};

// Straight into the ring, past the buffer, waiting (bounded) for room; before start(), too.
void emergency_write(std::string_view text) noexcept;

}  // namespace fata::xen
