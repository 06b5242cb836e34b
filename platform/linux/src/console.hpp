// The process's console: standard output for the application, standard error for log lines. Both
// are buffered, so that a slow terminal or a full pipe never blocks the data path.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fata::linux {

class Stream {
 public:
  explicit Stream(int fd) : fd_(fd) {}
  void write(std::string_view text) noexcept;
  // Writes as much as possible without blocking; true if nothing is left.
  bool drain() noexcept;
  void flush() noexcept;  // blocks

 private:
  void put(std::string_view text) noexcept;
  bool write_some() noexcept;

  int fd_;
  std::array<char, 64 * 1024> ring_;
  std::size_t first_ = 0;
  std::size_t used_ = 0;
  std::uint64_t dropped_ = 0;
};

class Console {
 public:
  Stream out{1};
  Stream err{2};
  bool drain() noexcept {
    const bool out_empty = out.drain();
    return err.drain() && out_empty;
  }
  void flush() noexcept {
    out.flush();
    err.flush();
  }
};
Console& console() noexcept;

}  // namespace fata::linux
