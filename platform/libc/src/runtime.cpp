// The parts of the C and C++ runtimes that an image needs in addition to the libc++ headers and the
// musl archive.
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "fata/base/panic.hpp"

// libc++ defines these in its library; instantiating them here is far smaller than its archive.
_LIBCPP_BEGIN_NAMESPACE_STD
template class basic_string<char>;
template string operator+(const char*, const string&);

__shared_count::~__shared_count() {}
__shared_weak_count::~__shared_weak_count() {}
void __shared_weak_count::__release_weak() noexcept {
  if (__libcpp_atomic_refcount_decrement(__shared_weak_owners_) == -1) __on_zero_shared_weak();
}
__shared_weak_count* __shared_weak_count::lock() noexcept {
  if (__shared_owners_ == -1) return nullptr;
  ++__shared_owners_;
  return this;
}
const void* __shared_weak_count::__get_deleter(const type_info&) const noexcept { return nullptr; }

// Returns a size for a hash table: the smallest prime at or above n. Tries divisors of the form
// 6k +- 1.
size_t __next_prime(size_t n) {
  const auto is_prime = [](size_t v) {
    if (v % 2 == 0 || v % 3 == 0) return v == 2 || v == 3;
    for (size_t d = 5; d <= v / d; d += 6) {
      if (v % d == 0 || v % (d + 2) == 0) return false;
    }
    return v > 1;
  };
  if (n < 2) return n == 0 ? 0 : 2;
  while (!is_prime(n)) ++n;
  return n;
}

namespace {
template <class Integer>
string integer_text(Integer value) {
  char digits[24];
  return string(digits, to_chars(digits, digits + sizeof(digits), value).ptr);
}
}  // namespace
string to_string(int value) { return integer_text(value); }
string to_string(long value) { return integer_text(value); }
string to_string(long long value) { return integer_text(value); }
string to_string(unsigned value) { return integer_text(value); }
string to_string(unsigned long value) { return integer_text(value); }
string to_string(unsigned long long value) { return integer_text(value); }

[[noreturn]] void __libcpp_verbose_abort(const char* format, ...) { fata::panic(format); }
_LIBCPP_END_NAMESPACE_STD

namespace std {
const nothrow_t nothrow{};
}

extern "C" {

[[noreturn]] void __stack_chk_fail() {
  fata::panic("stack smashed: a buffer on the stack was overrun (canary)");
}
[[noreturn]] void __cxa_pure_virtual() { fata::panic("a pure virtual function was called"); }
[[noreturn]] void __cxa_deleted_virtual() { fata::panic("a deleted virtual function was called"); }
[[noreturn]] void abort() { fata::panic("abort() was called"); }

// Static objects live until the machine ends: nothing is destroyed.
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
int atexit(void (*)()) { return 0; }
void* __dso_handle = nullptr;

// musl calls these around every use of a FILE. snprintf's FILE needs no lock, and the originals
// make a system call.
int __lockfile(void*) { return 0; }
void __unlockfile(void*) {}

char* getenv(const char*) { return nullptr; }
char* secure_getenv(const char*) { return nullptr; }

}  // extern "C"
