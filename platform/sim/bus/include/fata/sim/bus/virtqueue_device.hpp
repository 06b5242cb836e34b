// The device's side of a split virtqueue, written from the specification alone, to test the
// driver's side.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fata/base/bytes.hpp"

namespace fata::sim {

class VirtqueueDevice {
 public:
  VirtqueueDevice(std::uint16_t size, MutableBytes memory, bool event_index)
      : size_(size), memory_(memory), event_index_(event_index) {}

  struct Segment {
    std::uint64_t address = 0;
    std::uint32_t length = 0;
    bool device_writes = false;

    MutableBytes memory() const {
      return danger_span(reinterpret_cast<std::byte*>(address), length);
    }
  };
  struct Chain {
    std::uint16_t head = 0;
    std::vector<Segment> segments;
  };
  // The next chain that the driver has made available.
  std::optional<Chain> take() {
    if (last_available_ == available_index()) return std::nullopt;
    Chain chain;
    chain.head = load(available() + 4 + 2 * (last_available_++ % size_));
    std::uint16_t at = chain.head;
    for (std::size_t i = 0; i <= size_; ++i) {
      const std::size_t d = 16 * std::size_t{at};
      const std::uint16_t flags = load(d + 12);
      chain.segments.push_back({load_le<std::uint64_t>(memory_.subspan(d)),
                                load_le<std::uint32_t>(memory_.subspan(d + 8)), (flags & 2) != 0});
      if ((flags & 1) == 0) return chain;
      at = load(d + 14);
    }
    return std::nullopt;  // a loop: a bug of the driver
  }
  // Finishes a chain; true if the driver requests an interrupt.
  bool finish(std::uint32_t head, std::uint32_t written) {
    const std::size_t slot = used() + 4 + 8 * (used_index_ % size_);
    store_le(memory_.subspan(slot), head);
    store_le(memory_.subspan(slot + 4), written);
    const std::uint16_t old = used_index_++;
    store_le(memory_.subspan(used() + 2), used_index_);
    if (!event_index_) return load(available()) == 0;
    const std::uint16_t event = load(available() + 4 + 2 * std::size_t{size_});
    return static_cast<std::uint16_t>(used_index_ - event - 1) <
           static_cast<std::uint16_t>(used_index_ - old);
  }
  // Requests a notification of the next chain.
  void want_notification() {
    store_le(memory_.subspan(used() + 4 + 8 * std::size_t{size_}), last_available_);
  }
  void set_used_index(std::uint16_t index) {
    store_le(memory_.subspan(used() + 2), used_index_ = index);
  }
  std::uint16_t used_index() const { return used_index_; }

 private:
  std::size_t available() const { return 16 * std::size_t{size_}; }
  std::size_t used() const { return (available() + 6 + 2 * std::size_t{size_} + 3) / 4 * 4; }
  std::uint16_t available_index() const { return load(available() + 2); }
  std::uint16_t load(std::size_t at) const { return load_le<std::uint16_t>(memory_.subspan(at)); }

  std::uint16_t size_;
  MutableBytes memory_;
  bool event_index_;
  std::uint16_t last_available_ = 0;
  std::uint16_t used_index_ = 0;
};

}  // namespace fata::sim
