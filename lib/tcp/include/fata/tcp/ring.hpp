// Ring: a queue with random access. The first elements are stored inline, further ones on the heap,
// which is freed once the ring is empty. Heap bytes count against a TCP's Memory; at its limit, the
// ring does not grow. A null Memory has no limit.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "fata/base/danger.hpp"
#include "fata/tcp/memory.hpp"

namespace fata::tcp {

template <class T, std::uint32_t kInline>
class Ring {
  static_assert((kInline & (kInline - 1)) == 0);
  struct None {
    T* data() { return nullptr; }
  };

 public:
  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::uint32_t i) { return *danger_advance(data(), (first_ + i) & (capacity_ - 1)); }
  const T& operator[](std::uint32_t i) const { return const_cast<Ring&>(*this)[i]; }
  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& front() const { return (*this)[0]; }
  const T& back() const { return (*this)[size_ - 1]; }

  // Ensures room for one more element; call before each push_back() and insert().
  [[nodiscard]] bool reserve(Memory* memory) { return size_ != capacity_ || grow(memory); }
  void push_back(T item) { (*this)[size_++] = std::move(item); }
  void pop_front(Memory* memory, std::uint32_t count = 1) {
    for (; count != 0; --count) {
      front() = T();
      first_ = (first_ + 1) & (capacity_ - 1);
      --size_;
    }
    if (size_ == 0) shrink(memory);
  }
  void pop_back(Memory* memory) {
    back() = T();
    if (--size_ == 0) shrink(memory);
  }
  // insert() and erase() move the shorter side.
  [[gnu::noinline]] void insert(std::uint32_t at, T item) {
    if (at < size_ / 2) {
      first_ = (first_ - 1) & (capacity_ - 1);
      ++size_;
      for (std::uint32_t i = 0; i < at; ++i) (*this)[i] = std::move((*this)[i + 1]);
    } else {
      ++size_;
      for (std::uint32_t i = size_ - 1; i > at; --i) (*this)[i] = std::move((*this)[i - 1]);
    }
    (*this)[at] = std::move(item);
  }
  [[gnu::noinline]] void erase(std::uint32_t at, Memory* memory, std::uint32_t count = 1) {
    if (count == 0) return;
    if (at < size_ / 2) {
      for (std::uint32_t i = at; i-- > 0;) (*this)[i + count] = std::move((*this)[i]);
      pop_front(memory, count);
    } else {
      for (std::uint32_t i = at; i + count < size_; ++i) (*this)[i] = std::move((*this)[i + count]);
      for (; count != 0; --count) pop_back(memory);
    }
  }
  void clear(Memory* memory) { pop_front(memory, size_); }
  // Bytes on the heap, as counted by the memory.
  std::size_t heap_bytes() const { return heap_ ? capacity_ * sizeof(T) : 0; }
  // Heap bytes that one more element would add.
  std::size_t growth() const {
    return size_ != capacity_ ? 0 : larger() * sizeof(T) - heap_bytes();
  }

 private:
  std::uint32_t larger() const {
    return capacity_ == 0 ? 4 : capacity_ * (capacity_ < 256 ? 4 : 2);
  }
  T* data() { return heap_ ? heap_.get() : own_.data(); }
  [[gnu::noinline]] bool grow(Memory* memory) {
    const std::uint32_t capacity = larger();
    if (memory != nullptr && !memory->take(growth())) return false;
    std::unique_ptr<T[]> larger(new T[capacity]);
    for (std::uint32_t i = 0; i < size_; ++i)
      *danger_advance(larger.get(), i) = std::move((*this)[i]);
    heap_ = std::move(larger);
    capacity_ = capacity;
    first_ = 0;
    return true;
  }
  [[gnu::noinline]] void shrink(Memory* memory) {
    if (!heap_) return;
    if (memory != nullptr) memory->give(heap_bytes());
    heap_.reset();
    capacity_ = kInline;
    first_ = 0;
  }

  [[no_unique_address]] std::conditional_t<kInline == 0, None, std::array<T, kInline>> own_{};
  std::unique_ptr<T[]> heap_;
  std::uint32_t capacity_ = kInline;
  std::uint32_t first_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace fata::tcp
