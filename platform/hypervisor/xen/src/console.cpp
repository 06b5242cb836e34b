#include "console.hpp"

#include "fata/arch/cpu.hpp"
#include "fata/arch/memory.hpp"
#include "hypercall.hpp"
#include "idle.hpp"

namespace fata::xen {
namespace {

constinit xencons_interface* the_ring = nullptr;
constinit Port the_port = 0;

constexpr std::size_t kOut = sizeof(xencons_interface::out), kIn = sizeof(xencons_interface::in);
// The number of waits of some ten milliseconds each: a host that never reads must not keep an image
// from ending.
constexpr unsigned kTimeout = 1000;

std::uint32_t load(const std::uint32_t& shared) {
  return __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
}

// Puts text into the ring and returns the rest. The host shows the bytes on a terminal, so a line
// ends in CR LF.
std::string_view put(xencons_interface& ring, std::string_view text) {
  std::uint32_t produced = ring.out_prod;
  std::uint32_t room = static_cast<std::uint32_t>(kOut) - (produced - load(ring.out_cons));
  if (room > kOut) return text;  // invalid indexes from the host
  const auto add = [&](char c) {
    ring.out[produced++ % kOut] = c;
    --room;
  };
  while (!text.empty()) {
    const char c = text.front();
    if (room < (c == '\n' ? 2U : 1U)) break;
    if (c == '\n') add('\r');
    add(c);
    text.remove_prefix(1);
  }
  __atomic_store_n(&ring.out_prod, produced, __ATOMIC_RELEASE);
  return text;
}

bool write_all(std::string_view text) {
  for (unsigned i = 0; i < kTimeout; ++i) {
    text = put(*the_ring, text);
    notify(the_port);
    if (text.empty()) return true;
    wait_a_moment(the_port);
  }
  return false;
}

}  // namespace

void Console::start() {
  void* const page = map_hvm_page(HVM_PARAM_CONSOLE_PFN);
  port_ = static_cast<Port>(hvm_param(HVM_PARAM_CONSOLE_EVTCHN));
  if (page == nullptr || port_ == 0) return;
  the_ring = ring_ = static_cast<xencons_interface*>(page);
  the_port = port_;
  watch_port(port_);
  look_ = true;
}

void Console::drain() {
  if (ring_ == nullptr) return;
  bool moved = false;
  while (!buffer_.is_empty()) {
    const std::string_view text = buffer_.front();
    const std::size_t count = text.size() - put(*ring_, text).size();
    if (count == 0) break;
    buffer_.pop(count);
    moved = true;
  }
  if (moved) notify(port_);
}

void Console::flush() {
  if (ring_ == nullptr) return;
  for (unsigned i = 0; i < kTimeout; ++i) {
    drain();
    if (buffer_.is_empty() && load(ring_->out_cons) == ring_->out_prod) return;
    wait_a_moment(the_port);
  }
}

bool Console::poll_stop() {
  if (ring_ == nullptr) return false;
  // The event of earlier input is lost: Xen used another page for events before it detected a
  // 64-bit guest.
  const bool event = take_event(port_);
  if (!std::exchange(look_, false) && !event) return false;
  bool stop = false;
  std::uint32_t consumed = ring_->in_cons;
  const std::uint32_t available = load(ring_->in_prod) - consumed;
  for (std::uint32_t i = 0; i < available && i < kIn; ++i) {
    const char c = ring_->in[consumed++ % kIn];
    stop |= c == 3 || c == 4;
    kernel::console_typed(c);
  }
  if (available == 0) return false;
  __atomic_store_n(&ring_->in_cons, consumed, __ATOMIC_RELEASE);
  notify(port_);
  return stop;
}

void emergency_write(std::string_view text) noexcept {
  if (the_ring != nullptr) {
    write_all(text);
    return;
  }
  // The console is not set up yet, and the first 4 GiB are mapped one to one. Without Xen, this is
  // a PC with a serial port.
  if (!find_hypervisor()) {
    for (const char c : text) arch::out8(0x3f8, static_cast<std::uint8_t>(c));
    return;
  }
  const std::uint64_t frame = hvm_param(HVM_PARAM_CONSOLE_PFN);
  const auto port = static_cast<Port>(hvm_param(HVM_PARAM_CONSOLE_EVTCHN));
  if (frame == 0 || port == 0) return;
  put(*reinterpret_cast<xencons_interface*>(frame * arch::kPage), text);
  notify(port);
}

}  // namespace fata::xen
