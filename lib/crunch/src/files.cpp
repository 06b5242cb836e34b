#include "fata/crunch/files.hpp"

#include <algorithm>

namespace fata::crunch {

Files::Files(const Table& table) : table_(table), contents_(table.files.size()) {
  for (const File& file : table.files) contents_.add(file.content);
}

std::optional<Bytes> Files::find(std::string_view key) const {
  const std::optional<std::size_t> slot = crunch::find(table_, key);
  if (!slot) return std::nullopt;
  return table_.files[*slot].content;
}

namespace {
bool lies_in(std::string_view key, std::string_view folder) {
  return folder.empty() ||
         (key.size() > folder.size() && key.starts_with(folder) && key[folder.size()] == '/');
}
}  // namespace

Error Files::why_missing(std::string_view key) const {
  if (!sig::is_key(key)) return sig::KeyErrc::kBadKey;
  const bool folder =
      std::ranges::any_of(table_.files, [&](const File& file) { return lies_in(file.key, key); });
  return folder ? sig::KeyErrc::kIsFolder : sig::KeyErrc::kNotFound;
}

async::Task<Result<Slice>> Files::get(std::string_view key, async::Wait) {
  const std::optional<std::size_t> slot = crunch::find(table_, key);
  if (!slot) co_return fail(why_missing(key));
  co_return contents_.at(*slot);
}

async::Task<Result<std::vector<sig::KeyEntry>>> Files::list(std::string_view folder, async::Wait) {
  // Finds the next name after the last one, repeatedly: sorting strings would be most of this
  // library's code.
  std::vector<sig::KeyEntry> entries;
  for (std::string_view last;;) {
    std::string_view next;
    bool is_folder = false;
    for (const File& file : table_.files) {
      if (!lies_in(file.key, folder)) continue;
      const std::string_view rest = file.key.substr(folder.empty() ? 0 : folder.size() + 1);
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
  if (entries.empty() && !folder.empty()) {
    co_return fail(sig::is_key(folder) ? Error(sig::KeyErrc::kNotFound)
                                       : Error(sig::KeyErrc::kBadKey));
  }
  co_return entries;
}

}  // namespace fata::crunch
