#include "fata/sig/domain.hpp"
#include "fata/sig/flow.hpp"
#include "fata/sig/key_value.hpp"
#include "fata/sig/no_tcp.hpp"

namespace fata::sig {

const ErrorDomain& error_domain(FlowErrc) noexcept {
  static constexpr ErrorDomain domain{"flow", [](std::uint32_t code) -> std::string_view {
                                        switch (static_cast<FlowErrc>(code)) {
                                          case FlowErrc::kReset:
                                            return "reset by the peer";
                                          case FlowErrc::kClosedForWriting:
                                            return "written to after shutdown";
                                          case FlowErrc::kRefused:
                                            return "connection refused";
                                          case FlowErrc::kUnreachable:
                                            return "destination unreachable";
                                        }
                                        return "unknown";
                                      }};
  return domain;
}

const ErrorDomain& error_domain(KeyErrc) noexcept {
  static constexpr ErrorDomain domain{"key-value", [](std::uint32_t code) -> std::string_view {
                                        switch (static_cast<KeyErrc>(code)) {
                                          case KeyErrc::kNotFound:
                                            return "no such key";
                                          case KeyErrc::kIsFolder:
                                            return "the key is a folder";
                                          case KeyErrc::kBadKey:
                                            return "not a relative path";
                                        }
                                        return "unknown";
                                      }};
  return domain;
}

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

const ErrorDomain& error_domain(NoTcpErrc) noexcept {
  static constexpr ErrorDomain domain{
      "tcp", [](std::uint32_t) -> std::string_view { return "this network stack has no TCP"; }};
  return domain;
}

}  // namespace fata::sig
