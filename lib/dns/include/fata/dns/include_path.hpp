// The files named by $INCLUDE.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fata::dns {

// "a/./b/../c" becomes "a/c": no empty, "." or ".." components. Nullopt for a path that is
// absolute, empty, or leaves the folder in which it starts.
std::optional<std::string> normal_path(std::string_view path);

// The candidates for `file` as included by `includer`: a path below the root, as in BIND and NSD,
// then one below the includer's folder, as in Knot. The first existing one is used.
struct IncludePaths {
  std::optional<std::string> below_root, beside;
};
IncludePaths include_paths(std::string_view includer, std::string_view file);

// The files that a zone's text includes, as written, in order. Ends at the text's first error. The
// views point into `text`.
std::vector<std::string_view> included_files(std::string_view text);

}  // namespace fata::dns
