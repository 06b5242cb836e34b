// Which files $INCLUDE names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fata::dns {

// "a/./b/../c" as "a/c": without empty, "." and ".." components. Nothing for a path that is
// absolute, empty, or leads out of the folder in which it starts.
std::optional<std::string> normal_path(std::string_view path);

// What `file`, included by `includer`, may be: a path below the root, as in BIND and NSD, or one
// below the includer's folder, as in Knot. The first of them that is there counts.
struct IncludePaths {
  std::optional<std::string> below_root, beside;
};
IncludePaths include_paths(std::string_view includer, std::string_view file);

// The files that a zone's text includes, as they are written there, in order. Ends at the first
// error of the text. The views point into `text`.
std::vector<std::string_view> included_files(std::string_view text);

}  // namespace fata::dns
