// What tcp.cpp and tcp_connect.cpp share.
#pragma once

#include "fata/base/result.hpp"

namespace fata::host {

// What the flow concept has a name for gets that name, whoever models it.
Error flow_error(int number);

// There if the image holds Tcp::connect(), which has a file of its own for that reason: the linker
// takes it into an image that connects, and a weak reference takes nothing.
[[gnu::weak]] extern const char tcp_connects;

}  // namespace fata::host
