// The serial console: a 16550 at 0x3f8 with a buffer, drained in bounded bursts.
#pragma once

#include <cstdint>
#include <string_view>

#include "fata/kernel/console_buffer.hpp"

namespace fata::board {

class Console {
 public:
  // If there was earlier input, one byte of it waits in the port and the rest in the hypervisor.
  // Enabling the FIFOs would discard that byte, so in this case they stay off.
  void start();
  // Never blocks. If the buffer is empty, sends as much as the device accepts at once, and the rest
  // in later turns of the loop.
  void write(std::string_view text);
  // Sends at most `bursts` FIFOs of text. True if text is left and the device could accept more.
  bool drain(unsigned bursts);
  bool is_empty() const { return buffer_.is_empty(); }
  void flush();
  // Lets the device interrupt when a byte arrives, or when it can accept more queued text.
  void prepare_to_idle();
  // True if Ctrl-C or Ctrl-D was typed.
  bool poll_stop();

 private:
  kernel::ConsoleBuffer buffer_;
  std::uint8_t enabled_ = 0;  // the content of the interrupt-enable register
};

// Writes directly to the device, waiting (bounded) for it.
void serial_write(std::string_view text);

}  // namespace fata::board
