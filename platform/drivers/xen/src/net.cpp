#include "fata/xen/net.hpp"

#include "fata/base/platform.hpp"

namespace fata::xen {

bool NetDevice::poll() noexcept {
  if (!queue_.connected()) return false;
  take_event(port_);
  // Buffers that were in use when frames were taken may have been recycled. A ring left empty would
  // never wake its reader.
  queue_.refill();
  if (queue_.publish()) notify(port_);
  bool any = false;
  if (queue_.has_received() && !readers_.empty()) {
    readers_.notify_all();
    any = true;
  }
  if (queue_.has_sent() && !writers_.empty()) {
    writers_.notify_all();
    any = true;
  }
  if (queue_.broken()) leave();
  return any;
}

bool NetDevice::prepare_to_idle() noexcept {
  if (!queue_.connected()) return true;
  // If the reader is not waiting (it is busy elsewhere), frames stay in the ring until it calls
  // receive().
  bool quiet = readers_.empty() || queue_.ask_received();
  if (!writers_.empty()) quiet = queue_.ask_sent() && quiet;
  return quiet;
}

async::Task<Result<std::size_t>> NetDevice::receive(std::span<sig::RxFrame> in, async::Wait wait) {
  for (;;) {
    if (queue_.connected()) {
      if (const std::size_t count = queue_.receive(in); count != 0) co_return count;
    }
    const auto woken = co_await readers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

std::size_t NetDevice::send(std::span<PacketBuf> out) {
  if (!queue_.connected()) {  // no backend: drop the packets
    for (PacketBuf& packet : out) packet.reset();
    return out.size();
  }
  return queue_.send(out);
}

}  // namespace fata::xen
