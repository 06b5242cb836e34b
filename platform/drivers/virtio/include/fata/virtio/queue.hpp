// The driver's side of a split virtqueue (virtio 1.2, section 2.7), with EVENT_IDX. Pure: it works
// on memory passed to it, uses neither registers nor interrupts, and trusts nothing that the device
// writes.
//
// A device that breaks the protocol (an index out of range, a chain that was not queued, a length
// beyond the chain's room) makes the queue *broken*: it returns nothing more, and its owner resets
// the device.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fata/base/bytes.hpp"

namespace fata::virtio {

// Memory that the device reads or writes, at the address that the device sees.
struct Segment {
  std::uint64_t address = 0;
  std::uint32_t length = 0;
  bool device_writes = false;
};

class Queue {
 public:
  // `size`: a power of two, at most 32768.
  static constexpr std::size_t bytes_needed(std::uint16_t size) {
    return used_offset(size) + 6 + 8 * std::size_t{size};
  }
  static constexpr std::size_t kAlignment = 16;

  // `memory`: bytes_needed(size), zeroed, aligned to kAlignment, shared with the device for the
  // queue's whole life.
  Queue(std::uint16_t size, MutableBytes memory, bool event_index);

  std::uint16_t size() const { return size_; }
  // The offsets of the three parts in the memory, for the device's registers.
  std::size_t descriptor_offset() const { return 0; }
  static constexpr std::size_t available_offset(std::uint16_t size) {
    return 16 * std::size_t{size};
  }
  static constexpr std::size_t used_offset(std::uint16_t size) {
    return (available_offset(size) + 6 + 2 * std::size_t{size} + 3) / 4 * 4;
  }

  // The number of free descriptors.
  std::uint16_t room() const { return free_count_; }
  // Queues a chain: segments that the device reads come before those that it writes. Returns its
  // head, which pop() reports later, or nothing if there is no room. The device sees the chain
  // after publish().
  std::optional<std::uint16_t> add(std::span<const Segment> chain);
  // Makes added chains visible to the device; true if it must be notified.
  bool publish();

  struct Done {
    std::uint16_t head;
    // Bytes that the device reports as written; at most the chain's room.
    std::uint32_t written;
  };
  // The next chain that the device has finished.
  std::optional<Done> pop();
  bool pending() const { return !broken_ && load_used_index() != last_used_; }

  // Requests an interrupt for the next finished chain; false if a finished chain is already there.
  bool enable_interrupts();
  // Suppresses interrupts. (With EVENT_IDX, this is a hint: the device may still interrupt once.)
  void disable_interrupts();

  bool broken() const { return broken_; }

 private:
  struct Chain {
    std::uint32_t writable = 0;  // bytes the device may write
    std::uint16_t length = 0;    // descriptors; 0: not outstanding
  };
  std::uint16_t load_used_index() const;
  std::uint16_t* u16_at(std::size_t offset) const;

  std::uint16_t size_;
  MutableBytes memory_;
  bool event_index_;
  bool broken_ = false;
  std::uint16_t free_head_ = 0;
  std::uint16_t free_count_;
  std::uint16_t next_available_ = 0;  // the index of the next added chain
  std::uint16_t published_ = 0;
  std::uint16_t last_used_ = 0;
  // Private copies: the device can write to the descriptor table, so nothing is read back from it.
  std::vector<std::uint16_t> next_;
  std::vector<Chain> chains_;
};

}  // namespace fata::virtio
