#include "fata/sig/key_listing.hpp"

#include <algorithm>

namespace fata::sig {

namespace {
bool lies_in(std::string_view key, std::string_view folder) {
  return folder.empty() ||
         (key.size() > folder.size() && key.starts_with(folder) && key[folder.size()] == '/');
}
}  // namespace

bool is_key(std::string_view text) {
  for (;;) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view part = text.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == text.size()) return true;
    text.remove_prefix(slash + 1);
  }
}

Result<std::vector<KeyEntry>> list_keys(const KeySet& keys, std::string_view folder) {
  // Finds the next name after the last one, repeatedly: sorting strings would be most of this code.
  std::vector<KeyEntry> entries;
  for (std::string_view last;;) {
    std::string_view next;
    bool is_folder = false;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::string_view key = keys.key(i);
      if (!lies_in(key, folder)) continue;
      const std::string_view rest = key.substr(folder.empty() ? 0 : folder.size() + 1);
      const std::size_t slash = rest.find('/');
      const std::string_view name = rest.substr(0, slash);
      if (name <= last || (!next.empty() && name >= next)) continue;
      next = name;
      is_folder = slash != rest.npos;
    }
    if (next.empty()) break;
    entries.push_back({.name = std::string(next), .folder = is_folder});
    last = next;
  }
  if (entries.empty() && !folder.empty())
    return fail(is_key(folder) ? Error(KeyErrc::kNotFound) : Error(KeyErrc::kBadKey));
  return entries;
}

Error why_missing(const KeySet& keys, std::string_view key) {
  if (!is_key(key)) return KeyErrc::kBadKey;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (lies_in(keys.key(i), key)) return KeyErrc::kIsFolder;
  }
  return KeyErrc::kNotFound;
}

}  // namespace fata::sig
