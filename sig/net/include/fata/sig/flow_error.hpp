// The errors that every Flow may return, for engines as well as flows: no coroutines here.
#pragma once

#include <cstdint>

#include "fata/base/error.hpp"

namespace fata::sig {

enum class FlowErrc : std::uint32_t { kReset = 1, kClosedForWriting, kRefused, kUnreachable };
const ErrorDomain& error_domain(FlowErrc) noexcept;

}  // namespace fata::sig
