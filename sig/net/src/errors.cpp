#include "fata/sig/flow.hpp"
#include "fata/sig/records.hpp"

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

const ErrorDomain& error_domain(NameErrc) noexcept {
  static constexpr ErrorDomain domain{
      "resolver", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<NameErrc>(code)) {
          case NameErrc::kBadName:
            return "not a domain name";
          case NameErrc::kNotFound:
            return "the name does not exist";
          case NameErrc::kNoData:
            return "the name has no such record";
          case NameErrc::kNoServers:
            return "no name server is known";
          case NameErrc::kNoAnswer:
            return "no name server answered in time";
          case NameErrc::kServersFailed:
            return "the name servers failed; the last response code is";
          case NameErrc::kAliasLoop:
            return "the name is an alias without an end";
          case NameErrc::kBusy:
            return "too many lookups at once";
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
