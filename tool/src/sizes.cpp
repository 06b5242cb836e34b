#include "sizes.hpp"

#include <elf.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <set>
#include <sstream>

#include "error.hpp"
#include "files.hpp"
#include "paths.hpp"

namespace fata::tool {
namespace {

// A line of lld's map: "VMA LMA Size Align Out|In|Symbol"; the indentation of the last column
// distinguishes the three.
struct MapLine {
  std::uint64_t size = 0;
  int depth = 0;  // 0 section of the image, 1 of an object, 2 symbol
  std::string text;
};

bool parse(const std::string& line, MapLine& out) {
  std::istringstream in(line);
  std::string vma, lma, size, align;
  if (!(in >> vma >> lma >> size >> align)) return false;
  if (vma.find_first_not_of("0123456789abcdef") != vma.npos) return false;
  out.size = std::stoull(size, nullptr, 16);
  std::getline(in, out.text);
  const std::size_t text = out.text.find_first_not_of(' ');
  if (text == out.text.npos) return false;
  out.depth = static_cast<int>((text - 1) / 8);
  out.text.erase(0, text);
  return true;
}

bool is_digit(char character) { return std::isdigit(static_cast<unsigned char>(character)) != 0; }

// Removes a name with its length in front, such as "9hello_app", from the start of `mangled`. Empty
// if there is none.
std::string take_name(std::string_view& mangled) {
  std::size_t at = 0, length = 0;
  for (; at < mangled.size() && is_digit(mangled[at]) && length < mangled.size(); ++at)
    length = length * 10 + static_cast<std::size_t>(mangled[at] - '0');
  const std::string_view name = mangled.substr(at, length);
  mangled.remove_prefix(at + name.size());
  return std::string(name);
}

// "hello_app" and "sub" of the mangled name "_ZN9hello_app3sub5Hello...": the outermost namespace, or
// the name of a symbol outside of all namespaces, and a namespace or class within it. Both are empty
// if the section does not belong to one symbol.
std::pair<std::string, std::string> outer_names(std::string_view section) {
  const std::size_t prefix = section.find("_Z");
  if (prefix == section.npos) return {};
  std::string_view mangled = section.substr(prefix + 2);
  // Prefixes are few letters: N (nested), K (const), Z (local), TV (virtual table), GV (guard), ...
  while (!mangled.empty() && !is_digit(mangled.front())) {
    if (mangled.starts_with("St")) return {"std", {}};
    mangled.remove_prefix(1);
  }
  const std::string outer = take_name(mangled);
  const std::string inner = take_name(mangled);
  return {outer, !mangled.empty() && is_digit(mangled.front()) ? inner : std::string()};
}

// The generated main instantiates the templates of all parts: the symbol shows the section's owner.
std::string part_of_main(std::string_view section) {
  const std::string name = outer_names(section).first;
  if (name.empty() || name == "image") return "main (generated)";
  if (name == "fata") return "templates of Fata";
  if (name == "std") return "templates of C++";
  return "application";
}

// If the image was optimized as a whole, its parts are in one object. A library's namespace has its
// name; the names directly in `fata` are those of `base`.
std::string part_of_whole(std::string_view section) {
  const auto [outer, inner] = outer_names(section);
  if (outer.empty()) return "constants";
  if (outer != "fata") return part_of_main(section);
  const bool is_namespace =
      !inner.empty() && std::islower(static_cast<unsigned char>(inner[0])) != 0;
  return "fata_" + (is_namespace ? inner : "base");
}

// "path/libfata_dns.a(engine.cpp.o):(.text.f)" -> "fata_dns"; an object of the application ->
// "application".
std::string library_of(const std::string& text) {
  const std::size_t colon = text.rfind(":(");
  if (text.starts_with('<') || colon == text.npos) return "(linker)";
  const std::string file = text.substr(0, colon);
  if (file.ends_with(".lto.o")) return part_of_whole(std::string_view(text).substr(colon + 2));
  const std::size_t archive = file.find(".a(");
  if (archive == file.npos) {
    // The generated main is in the build folder itself; an application's own main.cpp has its full
    // path.
    const bool generated = file.ends_with(".dir/main.cpp.o");
    return generated ? part_of_main(std::string_view(text).substr(colon + 2)) : "application";
  }
  const std::string name = fs::path(file.substr(0, archive)).filename();
  return name.starts_with("lib") ? name.substr(3) : name;
}

// The sections that occupy the stripped file: loaded, and not zero-initialized memory.
struct Loaded {
  std::set<std::string> sections;
  std::uint64_t end = 0;  // in the file
};

Loaded loaded_from(const fs::path& elf) {
  const std::string text = read_file(elf);
  const auto at = [&]<class T>(T& out, std::uint64_t offset) {
    if (offset > text.size() || text.size() - offset < sizeof(T))
      throw UsageError(elf.string() + ": not a complete ELF file");
    std::memcpy(&out, text.data() + offset, sizeof(T));
  };
  Elf64_Ehdr header{};
  at(header, 0);
  const auto section = [&](unsigned index) {
    Elf64_Shdr one{};
    at(one, header.e_shoff + std::uint64_t{index} * sizeof one);
    return one;
  };
  const Elf64_Shdr names = section(header.e_shstrndx);
  Loaded loaded;
  for (unsigned i = 1; i < header.e_shnum; ++i) {
    const Elf64_Shdr one = section(i);
    if ((one.sh_flags & SHF_ALLOC) == 0 || one.sh_type == SHT_NOBITS) continue;
    const std::uint64_t name = names.sh_offset + one.sh_name;
    if (name < text.size()) loaded.sections.insert(text.c_str() + name);
    loaded.end = std::max(loaded.end, one.sh_offset + one.sh_size);
  }
  return loaded;
}

}  // namespace

Sizes measure(const Project& project) {
  Sizes sizes;
  const Loaded loaded = loaded_from(project.elf());
  if (project.kernel()) {
    sizes.stripped = files::size(project.image());
    sizes.unpacked = loaded.end;
  } else {
    // LLVM's tools replace each % in their output's path with random digits.
    const fs::path stripped = plain_alias(project.folder()) / "stripped";
    const Outcome outcome = capture({"llvm-strip-19", "-o", stripped, project.image()});
    if (outcome.status != 0) throw UsageError("llvm-strip-19 failed: " + outcome.output);
    sizes.stripped = sizes.unpacked = files::size(stripped);
  }

  std::istringstream map(read_file(project.map()));
  std::map<std::string, std::uint64_t> libraries;
  bool counted = false;
  for (std::string line; std::getline(map, line);) {
    MapLine entry;
    if (!parse(line, entry)) continue;
    if (entry.depth == 0) {
      counted = loaded.sections.contains(entry.text);
      if (counted && entry.size != 0) sizes.sections.emplace_back(entry.text, entry.size);
    } else if (entry.depth == 1 && counted) {
      libraries[library_of(entry.text)] += entry.size;
    }
  }
  for (const auto& [name, size] : libraries) {
    if (size != 0) sizes.libraries.emplace_back(name, size);
  }
  std::ranges::sort(sizes.libraries, std::ranges::greater{},
                    [](const auto& entry) { return entry.second; });
  return sizes;
}

}  // namespace fata::tool
