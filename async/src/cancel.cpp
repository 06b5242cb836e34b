#include "fata/async/cancel.hpp"

#include "fata/async/errors.hpp"

namespace fata::async {

const ErrorDomain& error_domain(Errc) noexcept {
  static constexpr ErrorDomain domain{"wait", [](std::uint32_t code) -> std::string_view {
                                        switch (static_cast<Errc>(code)) {
                                          case Errc::kTimedOut:
                                            return "the deadline has passed";
                                          case Errc::kCancelled:
                                            return "cancelled";
                                          case Errc::kClosed:
                                            return "closed";
                                        }
                                        return "unknown";
                                      }};
  return domain;
}

CancelSource::CancelSource(CancelToken parent) {
  if (parent.cancelled()) {
    cancelled_ = true;
  } else {
    parent.add(*this);
  }
}

void CancelSource::cancel() noexcept {
  if (cancelled_) return;
  cancelled_ = true;
  CancelHook::unlink();
  // A hook may destroy other hooks, which unlink themselves, so hooks are taken one by one.
  while (!hooks_.empty()) hooks_.pop_front().on_cancel();
}

void CancelToken::add(CancelHook& hook) const {
  if (source_ != nullptr) source_->hooks_.push_back(hook);
}

}  // namespace fata::async
