// What the platform tells the C library of an image.
#pragma once

#include <string_view>

#include "fata/libc/heap.hpp"

namespace fata::libc {

// The heap behind malloc, free and operator new. Empty until the platform adds its memory.
Heap& heap();

// Takes the line that says what the heap could not give, and does not return. Until one is set,
// exhaustion is a panic.
using ExhaustionHandler = void (*)(std::string_view line);
void set_exhaustion_handler(ExhaustionHandler handler);  // null: a panic again

}  // namespace fata::libc
