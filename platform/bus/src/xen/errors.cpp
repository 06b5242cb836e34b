#include "fata/bus/xen/errors.hpp"

namespace fata::bus::xen {

const ErrorDomain& error_domain(Errc) noexcept {
  static constexpr ErrorDomain domain{
      "xen", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<Errc>(code)) {
          case Errc::kRefused:
            return "the hypervisor refused a call";
          case Errc::kNoDevice:
            return "the domain has no such device";
          case Errc::kNotFound:
            return "no such node in xenstore";
          case Errc::kDenied:
            return "no permission for this node of xenstore";
          case Errc::kAgain:
            return "a transaction of xenstore met another one";
          case Errc::kStore:
            return "xenstore refused a request";
          case Errc::kTooLong:
            return "longer than xenstore takes";
          case Errc::kBackend:
            return "the backend went away, or offers too little";
          case Errc::kBroken:
            return "the backend broke the protocol; the device is given up";
          case Errc::kNoGrants:
            return "the table of grants is full";
          case Errc::kExhausted:
            return "too many requests to xenstore at once";
        }
        return "unknown";
      }};
  return domain;
}

}  // namespace fata::bus::xen
