// The serial console: a 16550 at 0x3f8 behind a buffer, drained in bounded bursts.
#pragma once

#include <cstdint>
#include <string_view>

#include "fata/guest/console_buffer.hpp"

namespace fata::kvm {

class Console {
 public:
  // What was typed before waits in the port, the rest of it in the hypervisor. Switching the FIFOs
  // on would empty the port, so they stay off then.
  void start();
  // Never waits: where nothing else does, the device is given what it takes at once, the rest when
  // the loop turns.
  void write(std::string_view text);
  // Sends up to `bursts` times what the device's FIFO takes. True if text is left and the device
  // could take more.
  bool drain(unsigned bursts);
  bool is_empty() const { return buffer_.is_empty(); }
  void flush();
  // Lets the device interrupt when a byte came in, or when it can take more of what is queued.
  void prepare_to_idle();
  // True if an end was typed: Ctrl-C or Ctrl-D.
  bool poll_stop();

 private:
  guest::ConsoleBuffer buffer_;
  std::uint8_t enabled_ = 0;  // what the interrupt-enable register holds
};

// Straight to the device, waiting (bounded) for it.
void serial_write(std::string_view text);

}  // namespace fata::kvm
