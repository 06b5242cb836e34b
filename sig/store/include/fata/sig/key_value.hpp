// A read-only key-value store for an application's files, zones or certificates. Keys are relative
// paths ("a/b.txt").
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fata/base/packet.hpp"
#include "fata/sig/awaits.hpp"

namespace fata::sig {

enum class KeyErrc : std::uint32_t { kNotFound = 1, kIsFolder, kBadKey };
const ErrorDomain& error_domain(KeyErrc) noexcept;

// True for a relative path without empty, "." or ".." components.
bool is_key(std::string_view text);

struct KeyEntry {
  std::string name;  // one component of a path
  bool folder = false;
};

template <class K>
concept KeyValueReader = requires(K& store, std::string_view key, async::Wait wait) {
  // The whole value; not copied if the model holds it in memory.
  { store.get(key, wait) } -> Awaits<Result<Slice>>;
  // The entries directly in a folder ("" is the root), sorted by name.
  { store.list(key, wait) } -> Awaits<Result<std::vector<KeyEntry>>>;
};

namespace archetype {
struct KeyValueReader {
  Ready<Result<Slice>> get(std::string_view, async::Wait) { return {}; }
  Ready<Result<std::vector<KeyEntry>>> list(std::string_view, async::Wait) { return {}; }
};
}  // namespace archetype

}  // namespace fata::sig
