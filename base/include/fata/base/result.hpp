// Result<T, E>: a value, or the reason for its absence.
#pragma once

#include <expected>
#include <utility>

#include "fata/base/error.hpp"

namespace fata {

template <class T = void, class E = Error>
using Result = std::expected<T, E>;

// `return fail(Errc::kTruncated);`
template <class E>
constexpr std::unexpected<E> fail(E error) {
  return std::unexpected<E>(error);
}
// As above, with a detail; the result holds an Error: `return fail(Errc::kPortInUse, port);`
template <ErrorEnum E>
constexpr std::unexpected<Error> fail(E code, std::uint32_t detail) {
  return std::unexpected<Error>(Error(code, detail));
}

}  // namespace fata
