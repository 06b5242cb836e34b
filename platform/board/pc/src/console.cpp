#include "fata/board/console.hpp"

#include <algorithm>

#include "fata/arch/cpu.hpp"

namespace fata::board {
namespace {
using arch::in8;
using arch::out8;

constexpr std::uint16_t kData = 0x3f8, kInterruptEnable = 0x3f9, kFifo = 0x3fa, kLine = 0x3fb,
                        kModem = 0x3fc, kStatus = 0x3fd;
constexpr std::uint8_t kHasInput = 1, kCanSend = 0x20;

// About ten seconds if each port access takes a microsecond: a reader that never reads must not
// keep an image from ending.
constexpr unsigned kTimeout = 10'000'000;

// The number of bytes that the port accepts at once: 16 with its FIFOs on.
constinit std::size_t burst = 1;

void send(const char* text, std::size_t count) {
  asm volatile("rep outsb" : "+S"(text), "+c"(count) : "d"(kData) : "memory");
}
}  // namespace

void serial_write(std::string_view text) {
  while (!text.empty()) {
    for (unsigned i = 0; (in8(kStatus) & kCanSend) == 0; ++i) {
      if (i == kTimeout) return;
    }
    const std::size_t n = std::min(text.size(), burst);
    send(text.data(), n);
    text.remove_prefix(n);
  }
}

void Console::start() {
  if ((in8(kStatus) & kHasInput) == 0) {
    out8(kFifo, 0x07);  // FIFOs on and cleared
    burst = 16;
  }
  out8(kLine, 0x03);   // 8 bits, no parity
  out8(kModem, 0x0b);  // DTR, RTS, interrupts connected
  enabled_ = 0;
  out8(kInterruptEnable, 0);
}

void Console::write(std::string_view text) {
  const bool is_first = buffer_.is_empty();
  buffer_.write(text);
  if (is_first) drain(1);
}

bool Console::drain(unsigned bursts) {
  for (; !buffer_.is_empty() && bursts != 0; --bursts) {
    if ((in8(kStatus) & kCanSend) == 0) return false;
    const std::string_view text = buffer_.front().substr(0, burst);
    send(text.data(), text.size());
    buffer_.pop(text.size());
  }
  return !buffer_.is_empty();
}

void Console::flush() {
  for (unsigned i = 0; !buffer_.is_empty() && i < kTimeout; ++i) drain(1);
}

void Console::prepare_to_idle() {
  const std::uint8_t wanted = buffer_.is_empty() ? 1 : 3;
  if (wanted != enabled_ || wanted == 3) out8(kInterruptEnable, enabled_ = wanted);
  in8(kFifo);  // reading the cause acknowledges it, so that the next one is a new edge
}

bool Console::poll_stop() {
  bool stop = false;
  // Reads until the FIFO is empty, because only that allows another edge. Bounded, so that a flood
  // of input does not block the loop.
  for (unsigned i = 0; i < 1024; ++i) {
    const std::uint8_t status = in8(kStatus);
    if (status == 0xff || (status & kHasInput) == 0) break;
    const std::uint8_t byte = in8(kData);
    stop |= byte == 3 || byte == 4;
    kernel::console_typed(static_cast<char>(byte));
  }
  return stop;
}

}  // namespace fata::board
