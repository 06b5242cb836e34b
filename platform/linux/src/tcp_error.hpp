// Shared by tcp.cpp and tcp_connect.cpp.
#pragma once

#include "fata/base/result.hpp"

namespace fata::linux {

// Maps errno to sig::FlowErrc where the flow concept names the error.
Error flow_error(int number);

// Defined only if the image links Tcp::connect(). That function is in a separate file, which the
// linker includes only in an image that connects: this weak reference pulls in nothing.
[[gnu::weak]] extern const char tcp_connects;

}  // namespace fata::linux
