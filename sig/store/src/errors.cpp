#include <algorithm>

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

bool is_key(std::string_view text) {
  for (;;) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view part = text.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == text.size()) return true;
    text.remove_prefix(slash + 1);
  }
}

}  // namespace fata::sig
