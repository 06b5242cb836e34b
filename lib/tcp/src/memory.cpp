#include "fata/tcp/memory.hpp"

#include <new>

namespace fata::tcp {

namespace {

void release(Buffer* buffer) {
  buffer->~Buffer();
  ::operator delete(static_cast<void*>(buffer));
}

}  // namespace

Memory::~Memory() {
  check(out_ == 0, "a buffer outlives its TCP");
  for (Shelf& shelf : shelves_) {
    while (shelf.first != nullptr) release(std::exchange(shelf.first, shelf.first->next_free));
  }
}

void Memory::abandon() {
  abandoned_ = true;
  if (out_ == 0) delete this;
}

PacketBuf Memory::allocate(std::size_t size, std::size_t reserve) {
  if (!take(size, reserve)) return {};
  Shelf& shelf = shelves_[size == kLarge ? 1 : 0];
  Buffer* buffer = shelf.first;
  if (buffer != nullptr) {
    shelf.first = buffer->next_free;
    --shelf.count;
  } else {
    void* const memory = ::operator new(size);
    buffer = new (memory) Buffer;
    buffer->home = this;
    buffer->memory = danger_advance(static_cast<std::byte*>(memory), sizeof(Buffer));
    buffer->capacity = static_cast<std::uint32_t>(size - sizeof(Buffer));
  }
  ++out_;
  return PacketBuf(*buffer, 0);
}

void Memory::recycle(Buffer& buffer) noexcept {
  const std::size_t size = buffer.capacity + sizeof(Buffer);
  give(size);
  --out_;
  Shelf& shelf = shelves_[size == kLarge ? 1 : 0];
  if (abandoned_) [[unlikely]] {
    release(&buffer);
    if (out_ == 0) delete this;
    return;
  }
  if (shelf.count * size >= limit_ / 16) return release(&buffer);
  buffer.next_free = shelf.first;
  shelf.first = &buffer;
  ++shelf.count;
}

}  // namespace fata::tcp
