#include "fata/virtio/queue.hpp"

#include <bit>

#include "abi.hpp"
#include "fata/base/panic.hpp"
#include "fata/bus/memory.hpp"

namespace fata::virtio {

static_assert(sizeof(vring_desc) == 16 && sizeof(vring_used_elem) == 8);

Queue::Queue(std::uint16_t size, MutableBytes memory, bool event_index)
    : size_(size),
      memory_(memory),
      event_index_(event_index),
      free_count_(size),
      next_(size),
      chains_(size) {
  check(std::has_single_bit(size) && memory.size() >= bytes_needed(size),
        "bad memory for a virtqueue");
  for (std::uint16_t i = 0; i < size; ++i) next_[i] = static_cast<std::uint16_t>(i + 1);
  disable_interrupts();
}

// The alignment of the rings aligns every 16-bit field.
std::uint16_t* Queue::u16_at(std::size_t offset) const {
  return reinterpret_cast<std::uint16_t*>(memory_.subspan(offset, 2).data());
}

std::uint16_t Queue::load_used_index() const {
  return __atomic_load_n(u16_at(used_offset(size_) + 2), __ATOMIC_ACQUIRE);
}

std::optional<std::uint16_t> Queue::add(std::span<const Segment> chain) {
  if (broken_ || chain.empty() || chain.size() > free_count_) return std::nullopt;
  const std::uint16_t head = free_head_;
  std::uint32_t writable = 0;
  std::uint16_t at = head;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const Segment& segment = chain[i];
    vring_desc descriptor{};
    descriptor.addr = segment.address;
    descriptor.len = segment.length;
    descriptor.flags = static_cast<std::uint16_t>((segment.device_writes ? VRING_DESC_F_WRITE : 0) |
                                                  (i + 1 < chain.size() ? VRING_DESC_F_NEXT : 0));
    descriptor.next = i + 1 < chain.size() ? next_[at] : 0;
    std::memcpy(memory_.subspan(std::size_t{at} * sizeof descriptor, sizeof descriptor).data(),
                &descriptor, sizeof descriptor);
    if (segment.device_writes) writable += segment.length;
    free_head_ = next_[at];
    if (i + 1 < chain.size()) at = next_[at];
  }
  free_count_ = static_cast<std::uint16_t>(free_count_ - chain.size());
  chains_[head] = {writable, static_cast<std::uint16_t>(chain.size())};
  const std::size_t slot = next_available_ & (size_ - 1);
  *u16_at(available_offset(size_) + 4 + 2 * slot) = head;
  ++next_available_;
  return head;
}

bool Queue::publish() {
  if (published_ == next_available_ || broken_) return false;
  const std::uint16_t old = published_;
  published_ = next_available_;
  __atomic_store_n(u16_at(available_offset(size_) + 2), published_, __ATOMIC_RELEASE);
  // The device's notification request must be read after the new index is visible to it. Otherwise,
  // both sides may wait for each other.
  bus::memory_barrier();
  if (!event_index_) {
    return (__atomic_load_n(u16_at(used_offset(size_)), __ATOMIC_RELAXED) &
            VRING_USED_F_NO_NOTIFY) == 0;
  }
  const std::uint16_t event =
      __atomic_load_n(u16_at(used_offset(size_) + 4 + 8 * std::size_t{size_}), __ATOMIC_RELAXED);
  // True if publishing passed the index that the device waits for (virtio 1.2, section 2.7.10).
  return static_cast<std::uint16_t>(published_ - event - 1) <
         static_cast<std::uint16_t>(published_ - old);
}

std::optional<Queue::Done> Queue::pop() {
  if (broken_) return std::nullopt;
  const std::uint16_t index = load_used_index();
  const auto waiting = static_cast<std::uint16_t>(index - last_used_);
  if (waiting == 0) return std::nullopt;
  vring_used_elem element;
  const std::size_t slot = last_used_ & (size_ - 1);
  std::memcpy(
      &element,
      memory_.subspan(used_offset(size_) + 4 + slot * sizeof element, sizeof element).data(),
      sizeof element);
  // The device finished more chains than were outstanding, or a chain that was not queued, or wrote
  // more bytes than there was room for.
  if (waiting > size_ || element.id >= size_ || chains_[element.id].length == 0 ||
      element.len > chains_[element.id].writable) {
    broken_ = true;
    return std::nullopt;
  }
  const auto head = static_cast<std::uint16_t>(element.id);
  Chain& chain = chains_[head];
  std::uint16_t last = head;
  for (std::uint16_t i = 1; i < chain.length; ++i) last = next_[last];
  next_[last] = free_head_;
  free_head_ = head;
  free_count_ = static_cast<std::uint16_t>(free_count_ + chain.length);
  chain = {};
  ++last_used_;
  return Done{head, element.len};
}

bool Queue::enable_interrupts() {
  if (event_index_) {
    __atomic_store_n(u16_at(available_offset(size_) + 4 + 2 * std::size_t{size_}), last_used_,
                     __ATOMIC_RELAXED);
  } else {
    __atomic_store_n(u16_at(available_offset(size_)), std::uint16_t{0}, __ATOMIC_RELAXED);
  }
  bus::memory_barrier();
  return !pending();
}

void Queue::disable_interrupts() {
  if (event_index_) {
    // An index that was just passed: the device reaches it again only after the index wraps.
    __atomic_store_n(u16_at(available_offset(size_) + 4 + 2 * std::size_t{size_}),
                     static_cast<std::uint16_t>(last_used_ - 1), __ATOMIC_RELAXED);
  } else {
    __atomic_store_n(u16_at(available_offset(size_)), std::uint16_t{VRING_AVAIL_F_NO_INTERRUPT},
                     __ATOMIC_RELAXED);
  }
}

}  // namespace fata::virtio
