// The platform's interface to the C library of an image.
#pragma once

#include <string_view>

#include "fata/libc/heap.hpp"

namespace fata::libc {

// The heap of malloc, free and operator new. Empty until the platform adds memory.
Heap& heap();

// Receives the message about the failed allocation, and must not return. Without a handler,
// exhaustion is a panic.
using ExhaustionHandler = void (*)(std::string_view line);
void set_exhaustion_handler(ExhaustionHandler handler);  // null restores the panic

}  // namespace fata::libc
