// The serial console: a 16550 at 0x3f8 behind a buffer, drained in bounded bursts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fata::kvm {

class Console {
 public:
  void start();
  // Queues; what does not fit is dropped and counted, and said in the next text that fits.
  void write(std::string_view text);
  // Sends up to `bursts` times what the device's FIFO takes. True if text is left and the device could take
  // more.
  bool drain(unsigned bursts);
  bool is_empty() const { return used_ == 0; }
  void flush();
  // Lets the device interrupt when a byte came in, or when it can take more of what is queued.
  void prepare_to_idle();
  // True if an end was typed: Ctrl-C or Ctrl-D.
  bool poll_stop();

 private:
  static constexpr std::size_t kSize = 16384;
  void put(std::string_view text);

  std::array<char, kSize> ring_{};
  std::size_t first_ = 0;
  std::size_t used_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint8_t enabled_ = 0;  // what the interrupt-enable register holds
};

// What was typed goes there: nowhere, but in an image that has a ConsoleInput.
void console_typed(char c) noexcept;

// Straight to the device, waiting (bounded) for it.
void serial_write(std::string_view text);

}  // namespace fata::kvm
