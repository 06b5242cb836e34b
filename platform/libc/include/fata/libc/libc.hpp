// What the platform tells the C library of an image.
#pragma once

#include "fata/libc/heap.hpp"

namespace fata::libc {

// The heap behind malloc, free and operator new. Empty until the platform adds its memory.
Heap& heap();

}  // namespace fata::libc
