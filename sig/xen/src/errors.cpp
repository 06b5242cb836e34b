#include "fata/sig/domain.hpp"

namespace fata::sig {

const ErrorDomain& error_domain(DomainErrc) noexcept {
  static constexpr ErrorDomain domain{"domain", [](std::uint32_t code) -> std::string_view {
                                        switch (static_cast<DomainErrc>(code)) {
                                          case DomainErrc::kNotFound:
                                            return "no such node of xenstore, or no such domain";
                                          case DomainErrc::kDenied:
                                            return "no right to it";
                                          case DomainErrc::kAgain:
                                            return "a transaction of xenstore met another one";
                                          case DomainErrc::kTooLong:
                                            return "longer than xenstore takes";
                                          case DomainErrc::kExhausted:
                                            return "a table or quota is full";
                                          case DomainErrc::kBadReference:
                                            return "not offered to this domain";
                                          case DomainErrc::kBroken:
                                            return "xenstore breaks its protocol";
                                          case DomainErrc::kGone:
                                            return "the domain is no more";
                                          case DomainErrc::kRefused:
                                            return "the hypervisor refused a call";
                                        }
                                        return "unknown";
                                      }};
  return domain;
}

}  // namespace fata::sig
