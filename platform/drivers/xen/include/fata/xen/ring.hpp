// The frontend's side of a ring of requests and responses in one shared page (xen/io/ring.h).
//
// The backend may write anything into the page at any time. Our own indexes are never read back
// from it, a response is copied once before it is read, and an index that runs ahead of the
// requests marks the ring as broken.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "fata/base/danger.hpp"
#include "fata/bus/memory.hpp"

namespace fata::xen {

template <class Request, class Response>
class FrontRing {
 public:
  static constexpr std::size_t kHeader = 64;
  static constexpr std::size_t kSlot = sizeof(Request) > sizeof(Response) ? sizeof(Request)
                                                                          : sizeof(Response);
  static constexpr std::uint32_t kSize = std::bit_floor((4096 - kHeader) / kSlot);

  // `page` must outlive this object.
  explicit FrontRing(void* page) : page_(static_cast<std::byte*>(page)) { restart(); }

  void restart() {
    std::memset(page_, 0, 4096);
    put(kRequestEvent, 1);
    put(kResponseEvent, 1);
    produced_ = published_ = consumed_ = 0;
    broken_ = false;
  }

  std::uint32_t room() const { return kSize - (produced_ - consumed_); }
  // The slot filled by the next push(), and the slot emptied by the next pop().
  std::uint32_t next_slot() const { return produced_ % kSize; }
  std::uint32_t next_response() const { return consumed_ % kSize; }

  // There must be room. T is the request, or another layout that fits in a slot.
  template <class T>
  void push(const T& request) {
    static_assert(sizeof(T) <= kSlot);
    std::memcpy(slot(produced_++), &request, sizeof(T));
  }
  // Makes pushed requests visible; true if the backend must be notified.
  bool publish() {
    const std::uint32_t before = std::exchange(published_, produced_);
    if (before == produced_) return false;
    __atomic_store_n(at(kRequestProduced), produced_, __ATOMIC_RELEASE);
    bus::memory_barrier();
    return produced_ - get(kRequestEvent) < produced_ - before;
  }

  // True if there is a response to pop.
  bool pending() { return !broken_ && check_responses() != 0; }
  template <class T>
  bool pop(T& out) {
    static_assert(sizeof(T) <= kSlot);
    if (broken_ || check_responses() == 0) return false;
    std::memcpy(&out, slot(consumed_++), sizeof(T));
    return true;
  }
  // Requests a notification of the next response; false if a response is already there.
  bool ask() {
    put(kResponseEvent, consumed_ + 1);
    bus::memory_barrier();
    return !pending();
  }

  bool broken() const { return broken_; }

 private:
  enum Index : std::size_t { kRequestProduced, kRequestEvent, kResponseProduced, kResponseEvent };

  std::uint32_t* at(Index index) const { return reinterpret_cast<std::uint32_t*>(page_) + index; }
  std::uint32_t get(Index index) const { return __atomic_load_n(at(index), __ATOMIC_ACQUIRE); }
  void put(Index index, std::uint32_t value) {
    __atomic_store_n(at(index), value, __ATOMIC_RELEASE);
  }
  std::byte* slot(std::uint32_t index) const { return page_ + kHeader + index % kSize * kSlot; }
  std::uint32_t check_responses() {
    const std::uint32_t count = get(kResponseProduced) - consumed_;
    if (count > published_ - consumed_) [[unlikely]] {
      broken_ = true;
      return 0;
    }
    return count;
  }

  std::byte* page_;
  std::uint32_t produced_ = 0;   // pushed
  std::uint32_t published_ = 0;  // of these, visible to the backend
  std::uint32_t consumed_ = 0;   // responses popped
  bool broken_ = false;
};

}  // namespace fata::xen
