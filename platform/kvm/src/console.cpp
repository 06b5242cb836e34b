#include "console.hpp"

#include <algorithm>

#include "fata/base/text.hpp"
#include "fata/machine/cpu.hpp"

namespace fata::kvm {
namespace {
using machine::in8;
using machine::out8;

constexpr std::uint16_t kData = 0x3f8, kInterruptEnable = 0x3f9, kFifo = 0x3fa, kLine = 0x3fb, kModem = 0x3fc,
                        kStatus = 0x3fd;
constexpr std::uint8_t kHasInput = 1, kCanSend = 0x20;
constexpr std::size_t kBurst = 16;  // the FIFO's depth

// About ten seconds on a machine whose every port access costs a microsecond: a reader that never reads must
// not keep an image from ending.
constexpr unsigned kPatience = 10'000'000;

void send(const char* text, std::size_t count) {
  asm volatile("rep outsb" : "+S"(text), "+c"(count) : "d"(kData) : "memory");
}
}  // namespace

void serial_write(std::string_view text) {
  while (!text.empty()) {
    for (unsigned i = 0; (in8(kStatus) & kCanSend) == 0; ++i) {
      if (i == kPatience) return;
    }
    const std::size_t n = std::min(text.size(), kBurst);
    send(text.data(), n);
    text.remove_prefix(n);
  }
}

[[gnu::weak]] void console_typed(char) noexcept {}

void Console::start() {
  out8(kFifo, 0x07);   // FIFOs on and empty
  out8(kLine, 0x03);   // 8 bits, no parity
  out8(kModem, 0x0b);  // DTR, RTS, interrupts connected
  enabled_ = 0;
  out8(kInterruptEnable, 0);
}

void Console::put(std::string_view text) {
  std::size_t end = (first_ + used_) % kSize;
  used_ += text.size();
  for (const char c : text) {
    ring_[end] = c;
    end = end + 1 == kSize ? 0 : end + 1;
  }
}

void Console::write(std::string_view text) {
  if (dropped_ != 0) {
    Text<64> note(std::in_place, "[console: ", dropped_, " bytes dropped]\n");
    if (note.size() + text.size() <= kSize - used_) {
      put(note.view());
      dropped_ = 0;
    }
  }
  if (dropped_ != 0 || text.size() > kSize - used_) {
    dropped_ += text.size();
    return;
  }
  put(text);
}

bool Console::drain(unsigned bursts) {
  for (; used_ != 0 && bursts != 0; --bursts) {
    if ((in8(kStatus) & kCanSend) == 0) return false;
    const std::size_t n = std::min({used_, kBurst, kSize - first_});
    send(std::string_view(ring_.data(), kSize).substr(first_).data(), n);
    first_ = (first_ + n) % kSize;
    used_ -= n;
    if (used_ == 0) write({});  // says what was dropped, if anything
  }
  return used_ != 0;
}

void Console::flush() {
  for (unsigned i = 0; used_ != 0 && i < kPatience; ++i) drain(1);
}

void Console::prepare_to_idle() {
  const std::uint8_t wanted = used_ != 0 ? 3 : 1;
  if (wanted != enabled_ || wanted == 3) out8(kInterruptEnable, enabled_ = wanted);
  in8(kFifo);  // reading the cause acknowledges it: the next one is a new edge
}

bool Console::poll_stop() {
  bool stop = false;
  // To the last byte, for only an empty FIFO makes another edge; bounded, lest a flood of input hold the loop
  // up.
  for (unsigned i = 0; i < 1024; ++i) {
    const std::uint8_t status = in8(kStatus);
    if (status == 0xff || (status & kHasInput) == 0) break;
    const std::uint8_t byte = in8(kData);
    stop |= byte == 3 || byte == 4;
    console_typed(static_cast<char>(byte));
  }
  return stop;
}

}  // namespace fata::kvm
