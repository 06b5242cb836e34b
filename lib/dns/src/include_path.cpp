// The files named by $INCLUDE.
#include "fata/dns/include_path.hpp"

#include <algorithm>

#include "lexer.hpp"
#include "text.hpp"

namespace fata::dns {

std::optional<std::string> normal_path(std::string_view path) {
  if (path.starts_with('/')) return {};
  std::string out;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(part.size() + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (out.empty()) return {};
      out.resize(out.find_last_of('/') == out.npos ? 0 : out.find_last_of('/'));
      continue;
    }
    if (!out.empty()) out += '/';
    out += part;
  }
  if (out.empty()) return {};
  return out;
}

IncludePaths include_paths(std::string_view includer, std::string_view file) {
  IncludePaths paths{normal_path(file), {}};
  const std::size_t slash = includer.rfind('/');
  if (slash == includer.npos || file.starts_with('/')) return paths;
  paths.beside = normal_path(std::string(includer.substr(0, slash + 1)).append(file));
  return paths;
}

std::vector<std::string_view> included_files(std::string_view text) {
  std::vector<std::string_view> files;
  Lexer lexer(text);
  bool starts = true;  // at the start of an entry
  for (;;) {
    const Token token = lexer.next();
    if (token.kind == Token::Kind::kEnd || token.kind == Token::Kind::kError) return files;
    if (starts && token.kind == Token::Kind::kWord && same_text(token.text, "$INCLUDE")) {
      const Token file = lexer.next();
      if (file.is_text())
        files.push_back(file.text);
      else
        lexer.put_back(file);
    }
    starts = token.kind == Token::Kind::kEndOfLine;
  }
}

}  // namespace fata::dns
