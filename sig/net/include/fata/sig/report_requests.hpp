// A source of requests for a report: a signal, a key on the console.
#pragma once

#include "fata/base/result.hpp"
#include "fata/sig/awaits.hpp"

namespace fata::sig {

template <class R>
concept ReportRequests = requires(R& requests, async::Wait wait) {
  // Waits for the next request. Several pending ones count as one.
  { requests.next(wait) } -> Awaits<Result<void>>;
};

namespace archetype {
struct ReportRequests {
  Ready<Result<void>> next(async::Wait) { return {}; }
};
}  // namespace archetype

}  // namespace fata::sig
