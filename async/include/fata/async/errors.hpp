// Reasons why a wait ended without success.
#pragma once

#include "fata/base/result.hpp"

namespace fata::async {

enum class Errc : std::uint32_t { kTimedOut = 1, kCancelled, kClosed };
const ErrorDomain& error_domain(Errc) noexcept;

}  // namespace fata::async
