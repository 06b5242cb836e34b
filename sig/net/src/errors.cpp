#include "fata/sig/flow.hpp"

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

const ErrorDomain& error_domain(NoTcpErrc) noexcept {
  static constexpr ErrorDomain domain{
      "tcp", [](std::uint32_t) -> std::string_view { return "this network stack has no TCP"; }};
  return domain;
}

}  // namespace fata::sig
