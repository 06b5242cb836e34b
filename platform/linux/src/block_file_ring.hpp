// Shared by block_file.cpp and block_file_open.cpp.
#pragma once

#include <sys/eventfd.h>

#include "fata/linux/block_file.hpp"
#include "fata/linux/os_error.hpp"
#include "uring.hpp"

namespace fata::linux {

// `live` is false if the kernel refuses io_uring.
struct BlockFile::Ring : Uring {
  Fd ended{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};  // incremented by every completion
};

}  // namespace fata::linux
