#include "console.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "fata/base/text.hpp"

namespace fata::linux {

void Stream::write(std::string_view text) noexcept {
  if (used_ + text.size() > ring_.size()) drain();
  if (dropped_ != 0) {
    Text<64> note(std::in_place, "[", dropped_, " bytes of console output lost]\n");
    if (used_ + note.size() + text.size() <= ring_.size()) {
      put(note.view());
      dropped_ = 0;
    }
  }
  if (used_ + text.size() > ring_.size()) {
    dropped_ += text.size();
    return;
  }
  put(text);
}

void Stream::put(std::string_view text) noexcept {
  for (const char c : text) ring_[(first_ + used_++) % ring_.size()] = c;
}

bool Stream::write_some() noexcept {
  // A pipe or terminal that polls writable accepts PIPE_BUF (4096) bytes without blocking.
  const std::size_t run = std::min({used_, ring_.size() - first_, std::size_t{4096}});
  const ssize_t written = ::write(fd_, &ring_[first_], run);
  if (written <= 0) {
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    used_ = 0;  // the reader is gone
    return true;
  }
  first_ = (first_ + static_cast<std::size_t>(written)) % ring_.size();
  used_ -= static_cast<std::size_t>(written);
  return true;
}

bool Stream::drain() noexcept {
  while (used_ != 0) {
    pollfd ready{fd_, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1 || !write_some()) return false;
  }
  return true;
}

void Stream::flush() noexcept {
  while (used_ != 0) {
    pollfd ready{fd_, POLLOUT, 0};
    // A stalled reader must not keep the process from exiting.
    if (::poll(&ready, 1, 1000) != 1) return;
    write_some();
  }
}

}  // namespace fata::linux
