// The names of this processor's system calls, for messages.
#pragma once

#include <cstdint>
#include <string_view>

namespace fata::linux {

// Returns an empty string if the build's C library did not define the number.
std::string_view system_call_name(std::uint32_t number) noexcept;

}  // namespace fata::linux
