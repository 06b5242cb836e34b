#include "fata/sig/key_value.hpp"

namespace fata::sig {

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

}  // namespace fata::sig
