// The names of the system calls of this processor, for messages.
#pragma once

#include <cstdint>
#include <string_view>

namespace fata::host {

// Empty if the C library of the build had none of that number.
std::string_view system_call_name(std::uint32_t number) noexcept;

}  // namespace fata::host
