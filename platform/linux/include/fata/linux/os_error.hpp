// Converts errno to an Error of the domain "os" whose code is the number.
#pragma once

#include <cerrno>

#include "fata/base/result.hpp"

namespace fata::linux {

enum class Errno : std::uint32_t {};
const ErrorDomain& error_domain(Errno) noexcept;

inline Error os_error(int number = errno) { return Error(static_cast<Errno>(number)); }
inline std::unexpected<Error> os_fail(int number = errno) {
  return std::unexpected(os_error(number));
}

}  // namespace fata::linux
