// malloc and operator new on the image's heap. Exhaustion is a panic that reports the requested and
// the available memory; state that a peer can grow comes from bounded pools instead.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "fata/base/panic.hpp"
#include "fata/base/text.hpp"
#include "fata/libc/libc.hpp"

namespace fata::libc {
namespace {
constinit Heap the_heap;
constinit ExhaustionHandler exhaustion_handler = nullptr;

[[noreturn, gnu::cold, gnu::noinline]] void out_of_memory(std::size_t size) {
  [[clang::uninitialized]] Text<160> line(
      std::in_place, "out of memory: ", size, " bytes asked, largest free block ",
      the_heap.largest_free(), ", used ", the_heap.used(), " of ", the_heap.total(),
      " bytes; give the guest more memory");
  if (exhaustion_handler != nullptr) exhaustion_handler(line.view());
  panic(line.view());
}

void* need(std::size_t size, std::size_t alignment = Heap::kAlignment) {
  void* const memory = the_heap.allocate(size, alignment);
  if (memory == nullptr) [[unlikely]]
    out_of_memory(size);
  return memory;
}
}  // namespace

Heap& heap() { return the_heap; }
void set_exhaustion_handler(ExhaustionHandler handler) { exhaustion_handler = handler; }

extern "C" {
void* malloc(std::size_t size) { return need(size); }
void free(void* memory) { the_heap.release(memory); }
void* calloc(std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) out_of_memory(SIZE_MAX);
  return std::memset(need(bytes), 0, bytes);
}
void* realloc(void* memory, std::size_t size) {
  void* const moved = the_heap.resize(memory, size);
  if (moved == nullptr) out_of_memory(size);
  return moved;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return need(size, alignment); }
void* memalign(std::size_t alignment, std::size_t size) { return need(size, alignment); }
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  *out = need(size, alignment);
  return 0;
}
std::size_t malloc_usable_size(void* memory) {
  return memory == nullptr ? 0 : Heap::usable_size(memory);
}
}

}  // namespace fata::libc

using fata::libc::need;

void* operator new(std::size_t size) { return need(size); }
void* operator new[](std::size_t size) { return need(size); }
void* operator new(std::size_t size, std::align_val_t a) {
  return need(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a) {
  return need(size, static_cast<std::size_t>(a));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return fata::libc::heap().allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return fata::libc::heap().allocate(size);
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete(void* memory, std::size_t) noexcept { free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { free(memory); }
